package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	input, out        string
	provider, model   string
	baseURL, state    string
	name              string
	timeLimit         time.Duration
	batchSize         int
	maxWait, poll     time.Duration
	grace             time.Duration
	prompt, id        string
	delimiter         string
	inFlight, retries int
	classes           classFlag
	cache             time.Duration
	noCache           bool
	samples           bool
	ingest, fresh     bool
	keepRemote        keepFlag
	verbose           bool
	pace              pace
}

func newRun() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "run INPUT",
		Short: "Submit every row of a file to a model and write one result per row",
		Long: `Submit every row of a JSONL or CSV file to a model, through a provider's batch API,
and write one JSON line per row to --out. Rows may have any shape if a --prompt is
filled in from their fields. Or they are requests in OpenAI's batch format or in that
of their provider, whose bodies keep what they ask. In OpenAI's format, a body for
Anthropic's /v1/messages or Gemini's generateContent becomes a chat for the --model
of another provider.

The whole input is checked before anything is bought. If the run is interrupted, or
its machine fails, the same command goes on, and nothing is paid for twice.
Meanwhile and afterwards, "baler status", "wait", "pause", "resume" and "cancel"
reach the run by its --name. The exit code is 0 if all rows succeeded. It is 1 if
some failed (their errors are in the output) or the run was cancelled. It is 2 for a
mistake in the command or its input, and 3 if the run stopped and can be run again.

A file gets each result exactly once. It belongs to the run until the run has ended:
a file that was edited, exchanged or shortened is refused. With "--out -", a pipe or
a device each result is delivered at least once. A run that goes on does not repeat
results that are recorded as delivered, and "baler results NAME" prints all of them.
The summary then goes to standard error, if standard output gets the results.

An environment variable holds the key of the provider, and another one may hold the
address of its API, unless --base-url gives one. "baler providers" names them, and
says what each provider can do. Without --provider, the --model decides: that of
claude-... is anthropic. Models that no provider is known for are those of a server
that speaks the protocol of ` + defaultProvider.Name + `.`,
		Example: `  baler run tickets.jsonl --out results.jsonl --provider openai --model gpt-5.4-mini \
    --prompt 'Summarise in one sentence: {{.text}}'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("run takes one input file, got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.input = args[0]
			if !cmd.Flags().Changed("name") {
				o.name = nameOf(o.input)
			}
			return o.run(cmd)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false // related flags stand together
	f.StringVar(&o.out, "out", "", "file that gets one JSON line per row; - is standard output (required)")
	f.StringVar(&o.provider, "provider", "", "provider of the batches, or of the protocol that a server speaks: "+offered()+" (default: the one that has the model and whose key is set)")
	f.StringVar(&o.model, "model", "", "model that answers, and may change between starts; rows in batch format name their own")
	f.StringVar(&o.baseURL, "base-url", "", "address of the API, such as http://127.0.0.1:8080/v1 (default: the provider's; see baler providers)")
	f.StringVar(&o.state, "state", defaultState(), "state directory, which remembers the run; also BALER_STATE")
	f.StringVar(&o.name, "name", "", "name of the run in the state directory (default: the input without directory and extension)")
	f.DurationVar(&o.timeLimit, "time-limit", 0, "time after its first start at which the run is cancelled if it is not completed (default: never)")
	f.StringVar(&o.prompt, "prompt", "", "request for a row, as a Go template of its fields")
	f.StringVar(&o.id, "id", defaultID, "field that identifies a row; without this flag, rows that have no id are identified by their line")
	f.StringVar(&o.delimiter, "delimiter", "", "delimiter between the fields of a CSV file: a character, or tab (default: found in the file)")
	f.IntVar(&o.batchSize, "batch-size", 10_000, "most rows in a batch")
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
	f.BoolVar(&o.ingest, "ingest", false, "read and check the input, and stop before anything is bought")
	f.BoolVar(&o.fresh, "fresh", false, "begin anew under the same name, with a new --out; refused while batches of the earlier run are open")
	f.BoolVar(&o.verbose, "verbose", false, "log what happens to each batch")
	o.pace.flags(cmd)
	return cmd
}

func (o *options) run(cmd *cobra.Command) error {
	if err := o.validate(); err != nil {
		return err
	}
	if err := o.pace.validate(cmd.Flags().Changed); err != nil {
		return err
	}
	if err := o.checkInput(); err != nil {
		return err
	}
	tell := func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) }
	delimiter, err := o.csvDelimiter()
	if err != nil {
		return err
	}
	dialect := source.CSVFormat{Delimiter: delimiter}
	if err := o.chooseProvider(dialect, tell); err != nil {
		return err
	}
	rows, err := newRows(o, tell)
	if err != nil {
		return err
	}
	if err := o.preview(dialect, tell); err != nil {
		return err
	}
	provider, err := newProvider(o)
	if err != nil {
		return err
	}
	entry, _ := catalog.Find(o.provider) // newProvider has found it
	out, err := o.openDescriptor(cmd.OutOrStdout(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	log := newLogger(cmd.ErrOrStderr(), o.verbose)
	dir, err := holdDir(o.state, state.Config{Log: newLogger(cmd.ErrOrStderr(), false)}) // Badger has much to say
	if err != nil {
		return err
	}
	return errors.Join(o.do(cmd, out, durable.Job[source.Row]{
		Name:        o.name,
		Settings:    o.settings(),
		Source:      source.Rows(o.input).WithFormat(dialect),
		Key:         rows.key,
		Prompt:      rows.chat,
		Request:     rows.request,
		Formats:     catalog.Formats(o.provider),
		Provider:    provider,
		Model:       o.model,
		Batch:       durable.BatchLimits{MaxItems: o.batchSize, MaxWait: o.maxWait},
		MaxInFlight: o.inFlight,
		MaxAttempts: o.retries + 1,
		Classes:     o.classes,
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
		Dir:         dir.Dir,
		Log:         log,
	}), dir.Close())
}

func (o *options) cacheFor() time.Duration {
	if o.noCache {
		return -1
	}
	return o.cache
}

func (o *options) do(cmd *cobra.Command, out *output, job durable.Job[source.Row]) (err error) {
	if out == nil {
		if out, err = o.openOutput(cmd.OutOrStdout()); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, out.close()) }()
	show := newDisplay(cmd.ErrOrStderr())
	job.Output, job.Progress, job.Notify = out.Output, show.update, show.notify
	if o.ingest {
		report, err := durable.Ingest(cmd.Context(), job)
		show.close()
		return o.ingested(out.summary, report, err)
	}
	report, err := durable.Run(cmd.Context(), job)
	show.close()
	var cancelled *durable.CancelledError
	if err != nil && !errors.As(err, &cancelled) {
		return o.explain(err, report)
	}
	printSummary(out.summary, report, out.name)
	return ending(report, err)
}

// explain turns the error of a run into what the user can do.
func (o *options) explain(err error, report durable.Report) error {
	s := &stop{err: err, state: o.state, name: o.name, provider: o.provider, bought: report.Batches > 0 || o.maybeBought(), again: sameCommand}
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

// checkInput refuses a file that is not there, before the provider is asked and
// a run begins.
func (o *options) checkInput() error {
	_, err := os.Stat(o.input)
	if missing, ok := errors.AsType[*fs.PathError](err); ok {
		return usage("%s: %w", o.input, missing.Err)
	}
	return nil
}

func (o *options) validate() error {
	switch {
	case o.input == "-":
		return usage("the input must be a file, because it is read again after a crash: write standard input to a file first")
	case o.out == "":
		return usage("--out is missing: name the file for the results")
	case o.name == "" || strings.ContainsFunc(o.name, unicode.IsControl):
		return usage("--name is %q: must be a word or two", o.name)
	case o.timeLimit < 0:
		return usage("--time-limit is %s: must not be negative", o.timeLimit)
	case o.batchSize < 1:
		return usage("--batch-size is %d: must be at least 1", o.batchSize)
	case o.inFlight < 1:
		return usage("--max-in-flight is %d: must be at least 1", o.inFlight)
	case o.retries < 0:
		return usage("--retries is %d: must not be negative", o.retries)
	case o.prompt != "" && o.model == "":
		return usage("--model is missing: name the model that answers the --prompt")
	case o.prompt == "" && o.id != defaultID:
		return usage("--id is %q: it needs a --prompt, because rows in batch format are identified by their custom_id", o.id)
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
	return map[string]string{
		"input": absolute(o.input), "--out": outputSetting(o.out),
		"--prompt": o.prompt, "--id": o.id, "--delimiter": o.delimiter,
	}
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

func newLogger(w interface{ Write([]byte) (int, error) }, verbose bool) *slog.Logger {
	level := slog.LevelError
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
