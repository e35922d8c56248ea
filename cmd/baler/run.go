package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/catalog"
)

// options are the flags of run.
type options struct {
	input, out        string // the first as people are told it
	inputs            inputs
	provider, model   string
	baseURL, state    string
	apiVersion        string
	name              string
	timeLimit         time.Duration
	batchSize         int
	rowsPerRequest    int
	maxWait, poll     time.Duration
	grace             time.Duration
	prompt, id        string
	messages          messages
	delimiter         string
	inFlight, retries int
	classes           classFlag
	cache             time.Duration
	noCache           bool
	samples           bool
	ingest, fresh     bool
	keepRemote        keepFlag
	keepRaw           bool
	screen            screen
	pace              pace
	failing           failing
	canary            canaryFlags
	primeCache        bool
	budget            budget
	room              room
	routing           routing
	dryRun            bool
	letters           letters
	rejects           rejects
	where             where
	decoded           decoded
	line              line
	form              resultForm
	events            events
	metrics           metrics
	notifying         notifying
	labels            labels
	answers           answers
	file              jobFile
	json              bool
}

func newRun() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "run INPUT...|JOB.yaml|--from-failed FILE",
		Short: "Submit every row of the input to a model and write one result per row",
		Long: `Submit every row of JSONL or CSV files to a model, through a provider's batch API,
and write one JSON line per row to --out. INPUT may also be a directory, whose files
are rows, or - for standard input, which is copied to the state directory first. Or it
is a job file, which "baler init" writes. Rows may have any shape if a --prompt is
filled in from their fields, or a field has the messages of a chat. They may be chats
as they are: {"id", "messages"} and options. Or they are requests in OpenAI's batch format or in that
of their provider, whose bodies keep what they ask. In OpenAI's format, a body for
Anthropic's /v1/messages or Gemini's generateContent becomes a chat for the --model
of another provider.

The whole input is checked before anything is bought. If the run is interrupted, or
its machine fails, the same command goes on, and nothing is paid for twice.
Meanwhile and afterwards, "baler status", "wait", "pause", "resume" and "cancel"
reach the run by its --name. The exit code is 0 if all rows succeeded. It is 1 if
some failed (their errors are in the output) or the run was cancelled. It is 2 for a
mistake in the command or its input, and 3 if the run stopped and can be run again.

A file gets each result exactly once, and so does a directory. It belongs to the run
until the run has ended: a file that was edited, exchanged or shortened is refused, and
so is a directory that lacks files. With "--out -", a pipe or a device each result is
delivered at least once. A run that goes on does not repeat results that are recorded as
delivered, and "baler results NAME" prints all of them. In CSV, texts are as they came:
to a spreadsheet, one that begins with =, +, - or @ is a formula.
The summary then goes to standard error, if standard output gets the results.

An environment variable holds the key of the provider, and another one may hold the
address of its API, unless --base-url gives one. "baler providers" names them, and
says what each provider can do. Without --provider, the --model decides: that of
claude-... is anthropic. Models that no provider is known for are those of a server
that speaks the protocol of ` + defaultProvider.Name + `.`,
		Example: `  baler run tickets.jsonl --out results.jsonl --provider openai --model gpt-5.4-mini \
    --prompt 'Summarise in one sentence: {{.text}}'
  baler run job.yaml --model gpt-5.4`,
		Args: o.takeInputs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.file.several() {
				return o.file.runStages(cmd)
			}
			o.setName(cmd)
			return o.run(cmd)
		},
	}
	o.flags(cmd)
	o.file.flags(cmd)
	jsonFlag(cmd, &o.json)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, `check the whole input and print what would be done, as "baler plan" does`)
	return cmd
}

// setName names the run after its input if nothing else says so.
func (o *options) setName(cmd *cobra.Command) {
	if !cmd.Flags().Changed("name") {
		o.name = nameOf(o.inputs.paths[0])
	}
}

func (o *options) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false // related flags stand together
	f.StringVar(&o.out, "out", "", "file that gets one JSON line per row, or as --output-format says; - is standard output (required)")
	o.form.flags(cmd)
	f.StringVar(&o.provider, "provider", "", "provider of the batches, or of the protocol that a server speaks: "+offered()+" (default: the one that has the model and whose key is set)")
	f.StringVar(&o.model, "model", "", "model that answers, and may change between starts; rows in batch format name their own")
	f.StringVar(&o.baseURL, "base-url", "", "address of the API, such as http://127.0.0.1:8080/v1 (default: the provider's; see baler providers)")
	f.StringVar(&o.apiVersion, versionFlag, "", "version of the API, if the provider has several; the run remembers it ("+versionsOffered()+")")
	f.StringVar(&o.state, "state", defaultState(), "state directory, which remembers the run; also BALER_STATE")
	f.StringVar(&o.name, "name", "", "name of the run in the state directory (default: the first input without directory and extension)")
	f.DurationVar(&o.timeLimit, "time-limit", 0, "time after its first start at which the run is cancelled if it is not completed: any time above zero, but a provider may take its whole window for a batch, often 24h, and a batch that is cancelled is paid for as far as it ran (default: never)")
	f.StringVar(&o.prompt, "prompt", "", "request for a row, as a Go template of its fields")
	o.messages.flags(cmd)
	o.labels.flags(cmd)
	o.answers.flags(cmd)
	f.StringVar(&o.id, "id", defaultID, "field that identifies a row; without this flag, rows that have no id are identified by their line")
	f.StringVar(&o.delimiter, "delimiter", "", "delimiter between the fields of a CSV file: a character, or tab (default: found in the file)")
	o.inputs.flags(cmd)
	f.IntVar(&o.batchSize, "batch-size", 10_000, "most rows in a batch")
	f.IntVar(&o.rowsPerRequest, "rows-per-request", 1, "most rows that one request asks about; the answer is split, and rows whose own answer is missing or in doubt are asked again alone")
	f.DurationVar(&o.maxWait, "max-wait", time.Minute, "how long rows to retry wait for others to fill their batch")
	f.DurationVar(&o.poll, "poll", 10*time.Second, "shortest time between two polls of a batch")
	f.DurationVar(&o.grace, "grace", 10*time.Minute, "how long to look for a batch whose creation was not answered, before it is submitted again")
	f.IntVar(&o.inFlight, "max-in-flight", 100, "most batches that are open at the provider at a time")
	f.IntVar(&o.retries, "retries", 3, "how often a row is retried after a temporary failure")
	f.Var(&o.classes, "class", "class of an error code of the provider: retryable, permanent or blocked, as in --class model_overloaded=retryable; may be given for several codes")
	f.DurationVar(&o.cache, "cache", durable.DefaultCache, "greatest age of an answer that is taken from another run in the state directory instead of asking again")
	f.BoolVar(&o.noCache, "no-cache", false, "submit every row, and keep no answers for other runs")
	f.BoolVar(&o.samples, "samples", false, "submit every row, even if another row or another run asks the same: for several samples of one prompt")
	f.Var(&o.keepRemote, "keep-remote", "leave results at the provider after the end of the run: for good, or for a time as in --keep-remote=72h")
	f.Lookup("keep-remote").NoOptDefVal = keepForever
	f.BoolVar(&o.keepRaw, "keep-raw", false, "keep the provider's result files and its words about batches as they came, for baler export; they take about as much room as the results, until baler prune")
	f.BoolVar(&o.ingest, "ingest", false, "read and check the input, and stop before anything is bought")
	f.BoolVar(&o.fresh, "fresh", false, "begin anew under the same name, with a new --out; refused while batches of the earlier run are open")
	o.screen.flags(cmd)
	o.routing.flags(cmd)
	o.where.flags(cmd)
	o.line.flags(cmd)
	o.letters.flags(cmd)
	o.events.flags(cmd)
	o.metrics.flags(cmd)
	o.notifying.flags(cmd)
	o.rejects.flags(cmd)
	o.failing.flags(cmd)
	o.canary.flags(cmd)
	f.BoolVar(&o.primeCache, "prime-cache", false, "where three rows or more share the beginning of their prompts, ask one of them first, and the others once the provider has that in its cache, which costs less and takes one batch longer; see baler plan")
	o.budget.flags(cmd)
	o.room.flags(cmd)
	o.pace.flags(cmd)
	groupFlags(cmd)
}

func (o *options) run(cmd *cobra.Command) (err error) {
	if o.dryRun {
		return o.plan(cmd)
	}
	console := newConsole(cmd)
	job, err := o.prepare(cmd)
	if err != nil {
		return err
	}
	if err := o.checkKeys(); err != nil {
		return err
	}
	out, err := o.openDescriptor(cmd.OutOrStdout(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if err := o.events.openDescriptor(); err != nil {
		return err
	}
	dir, err := holdDir(o.state, state.Config{Log: o.screen.loggerFrom(cmd.ErrOrStderr(), slog.LevelError)}) // Badger has much to say
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	clients := newConnections(o, false) // now, as live routes keep their rows in the directory
	defer func() { err = errors.Join(err, clients.close()) }()
	if err := o.connect(&job, clients); err != nil {
		return err
	}
	job.Dir = dir.Dir
	o.tellSchema(job, func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) })
	return o.do(cmd, console, out, job)
}

// prepare checks the flags and the first rows, and makes the job of them, which
// is not connected.
func (o *options) prepare(cmd *cobra.Command) (job durable.Job[source.Row], err error) {
	if err := o.checkFlags(cmd.Flags().Changed); err != nil {
		return job, err
	}
	tell := func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) }
	if err := o.spool(cmd, tell); err != nil {
		return job, err
	}
	if err := o.continueAppending(); err != nil {
		return job, err
	}
	delimiter, err := o.csvDelimiter()
	if err != nil {
		return job, err
	}
	dialect := source.CSVFormat{Delimiter: delimiter}
	if err := o.findChats(dialect, tell); err != nil {
		return job, err
	}
	if err := errors.Join(o.form.prepare(o, dialect, tell), o.form.mustFit(o)); err != nil {
		return job, err
	}
	if err := o.chooseProvider(dialect, tell); err != nil {
		return job, err
	}
	if err := o.chooseVersion(); err != nil {
		return job, err
	}
	rows, err := newRows(o, tell)
	if err != nil {
		return job, o.nameFields(err, dialect)
	}
	if err := o.checkOptions(); err != nil {
		return job, err
	}
	if err := o.checkFirstRows(dialect, tell); err != nil {
		return job, err
	}
	job = o.job(rows, dialect)
	job.Log = o.screen.logger(cmd.ErrOrStderr())
	o.messages.attach.apply(&job, tell)
	return job, nil
}

// prepareKeyless makes a job that calls nobody.
func (o *options) prepareKeyless(cmd *cobra.Command) (job durable.Job[source.Row], err error) {
	if job, err = o.prepare(cmd); err == nil {
		err = o.connect(&job, newConnections(o, true))
	}
	return job, err
}

// checkKeys refuses a run whose keys are not set, before it leaves anything on
// disk.
func (o *options) checkKeys() error {
	if o.routing.given() {
		return o.routing.checkKeys()
	}
	_, err := newProvider(o)
	return err
}

// checkFlags refuses flags that are wrong, and an input that is not there.
func (o *options) checkFlags(given func(flag string) bool) error {
	for _, check := range []func() error{
		func() error { return o.routing.validate(o) },
		func() error { return o.missing("the command", false) },
		o.validate,
		func() error { return o.messages.validate(o) },
		o.failing.validate,
		o.canary.validate,
		func() error { return o.budget.validate(o) },
		func() error { return o.pace.validate(given) },
		func() error { return o.room.validate(given) },
		o.inputs.check,
		o.where.validate,
		func() error { return o.screen.validate(given) },
		o.line.validate,
		o.answers.validate,
		func() error { return o.form.validate(o) },
		func() error { return o.letters.validate(o) },
		func() error { return o.events.validate(o) },
		o.metrics.validate,
		func() error { return o.notifying.validate(given) },
		func() error { _, err := o.labels.parse(); return err },
		func() error { return o.rejects.validate(o) },
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// connect gives a job its routes, or its provider if it has none.
func (o *options) connect(job *durable.Job[source.Row], c *connections) error {
	if o.routing.given() {
		return o.routing.set(job, c)
	}
	var err error
	if c.keyless {
		job.Provider, err = newKeyless(o)
	} else {
		job.Provider, err = newProvider(o)
	}
	return err
}

// job is the job of the flags, without its provider, directory and output.
func (o *options) job(rows *rows, dialect source.CSVFormat) durable.Job[source.Row] {
	entry, _ := catalog.Find(o.provider) // that it is unknown is said by whoever connects to it
	job := durable.Job[source.Row]{
		Name:        o.name,
		Settings:    o.settings(),
		Source:      o.source(dialect),
		Lineage:     o.inputs.several() || o.inputs.appends,
		Append:      o.inputs.appends,
		Key:         rows.key,
		Prompt:      rows.chat,
		Request:     rows.request,
		Formats:     catalog.Formats(o.provider),
		Model:       o.model,
		Batch:       durable.BatchLimits{MaxItems: o.batchSize, MaxTokens: o.room.batchTokens, MaxWait: o.maxWait},
		Pack:        durable.PackLimits{MaxItems: o.rowsPerRequest},
		Enqueued:    o.room.enqueued(),
		MaxInFlight: o.inFlight,
		MaxAttempts: o.retries + 1,
		Classes:     o.classes,
		Guard:       o.failing.guard(),
		Canary:      o.canary.limits(),
		PrimeCache:  o.primeCache,
		Poll:        o.poll,
		Grace:       o.grace,
		Cache:       o.cacheFor(),
		Samples:     o.samples,
		Creates:     durable.Rate{Requests: o.pace.createsPerHour, Per: time.Hour},
		Polls:       o.pace.pollRate(&entry),
		PollsAtOnce: o.pace.pollsAtOnce(&entry),
		Transfers:   o.pace.transfers,
		TimeLimit:   o.timeLimit,
		ReadAll:     true,
		Fresh:       o.fresh,
		KeepRemote:  time.Duration(o.keepRemote),
		KeepRaw:     o.keepRaw,
	}
	job.Labels, _ = o.labels.parse() // it was checked
	o.budget.apply(&job)
	o.where.apply(&job, &o.decoded)
	o.line.apply(&job)
	o.rejects.apply(&job, !o.dryRun)
	o.form.apply(&job)
	o.answers.apply(&job)
	return job
}

func (o *options) cacheFor() time.Duration {
	if o.noCache {
		return -1
	}
	return o.cache
}

func (o *options) do(cmd *cobra.Command, console *console, out *output, job durable.Job[source.Row]) (err error) {
	if out == nil {
		if out, err = o.openOutput(cmd.OutOrStdout()); err != nil {
			return err
		}
	}
	if o.screen.quiet {
		out.summary = io.Discard
	}
	defer func() { err = errors.Join(err, out.close()) }()
	job.Output = out.Output
	closeEvents, err := o.events.attach(&job, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	closeEvents = sync.OnceFunc(closeEvents)
	defer closeEvents()
	closeMetrics, err := o.metrics.attach(cmd.Context(), &job, func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) })
	if err != nil {
		return err
	}
	defer closeMetrics()
	show := o.screen.display(console, o.ownStatus, o.rowsOnTerminal())
	show.attach(&job)
	if o.ingest {
		report, err := durable.Ingest(cmd.Context(), job)
		show.close()
		return o.ingested(out, report, err)
	}
	closeNotify := o.notifying.attach(cmd.Context(), &job, func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) })
	report, err := durable.Run(cmd.Context(), job)
	show.close()
	closeEvents() // they come before the summary, where both go to one place
	closeNotify()
	var cancelled *durable.CancelledError
	if err != nil && !errors.As(err, &cancelled) {
		if isA[*durable.BudgetError](&stop{err: err}) { // what the money went for
			return errors.Join(o.summarize(out, report), o.explain(err, report))
		}
		return o.explain(err, report)
	}
	if out.finish != nil {
		if err := out.finish(&job); err != nil {
			return o.explain(err, report)
		}
	}
	if err := o.letters.write(&job); err != nil {
		return o.explain(fmt.Errorf("--dead-letters: %w", err), report)
	}
	return errors.Join(o.summarize(out, report), ending(report, err))
}

// runFigures is how a run went, as JSON.
type runFigures struct {
	Name string `json:"name"`
	Out  string `json:"out"`
	durable.Report
}

// summarize prints how a run went.
func (o *options) summarize(out *output, report durable.Report) error {
	if o.json {
		return printJSON(out.summary, "run", runFigures{o.name, o.out, report})
	}
	printSummary(out.summary, report, out.name)
	return nil
}

// explain turns the error of a run into what the user can do.
func (o *options) explain(err error, report durable.Report) error {
	provider := o.provider
	if o.routing.given() {
		provider = o.routing.providerOf(err)
	}
	s := &stop{err: err, state: o.state, name: o.name, provider: provider, chats: o.messages.chatRows, bought: report.Batches > 0 || o.maybeBought(), again: sameCommand, several: o.inputs.several()}
	if o.fresh {
		s.again += " without --fresh"
	}
	return s.explain()
}

// maybeBought reports whether the provider may have a batch whose creation was
// not answered.
func (o *options) maybeBought() bool {
	h, err := attachTo(o.state, o.name)
	if err != nil {
		return false
	}
	s, err := h.Status()
	return err == nil && slices.ContainsFunc(s.Open, func(b durable.OpenBatch) bool {
		return b.State == "creating" || b.State == "unknown" || b.State == "held"
	})
}

// csvDelimiter is what divides the fields of a CSV file, 0 if that is to be
// found.
func (o *options) csvDelimiter() (rune, error) {
	switch runes := []rune(o.delimiter); {
	case len(runes) == 0:
		return 0, nil
	case o.delimiter == "tab" || o.delimiter == `\t`:
		return '\t', nil
	case len(runes) == 1 && runes[0] < 0x80 && !strings.ContainsRune("\"\r\n", runes[0]):
		return runes[0], nil
	}
	return 0, usage("--delimiter is %q: must be a single character, such as ; or |, or tab", o.delimiter)
}

func (o *options) validate() error {
	switch {
	case o.name == "" || strings.ContainsFunc(o.name, unicode.IsControl):
		return usage("--name is %q: must be a word or two", o.name)
	case o.timeLimit < 0:
		return usage("--time-limit is %s: must not be negative", o.timeLimit)
	case o.inputs.appends && (o.fresh || o.letters.from != ""):
		return usage("--append is given beside --fresh or --from-failed: it goes on with a run, and they begin one")
	case o.inputs.appends && o.form.ordered:
		return usage("--append is given beside --ordered, which writes --out once: leave out --ordered, and let \"baler results --ordered\" print all rows in order")
	case o.batchSize < 1:
		return usage("--batch-size is %d: must be at least 1", o.batchSize)
	case o.rowsPerRequest < 1:
		return usage("--rows-per-request is %d: must be at least 1", o.rowsPerRequest)
	case o.inFlight < 1:
		return usage("--max-in-flight is %d: must be at least 1", o.inFlight)
	case o.retries < 0 || o.retries > mostRetries:
		return usage("--retries is %d: must be 0 to %d", o.retries, mostRetries)
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{{"max-wait", o.maxWait}, {"poll", o.poll}, {"grace", o.grace}, {"cache", o.cache}} {
		if d.value <= 0 {
			return usage("--%s is %s: must be positive", d.flag, d.value)
		}
	}
	return nil
}

// settings must be the same at each start of a run.
func (o *options) settings() map[string]string {
	settings := map[string]string{
		"input": o.inputs.setting(), "--out": outputSetting(o.out),
		"--prompt": o.prompt, "--id": o.id, "--delimiter": o.delimiter,
	}
	if o.apiVersion != "" {
		settings["--"+versionFlag] = o.apiVersion
	}
	o.messages.set(settings)
	if o.inputs.perFile {
		settings[idsPerFile] = "true"
	}
	o.inputs.setAppends(settings)
	o.form.set(settings)
	o.letters.set(settings)
	o.where.set(settings)
	o.line.set(settings)
	o.routing.settings(settings)
	o.answers.set(settings)
	return settings
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
