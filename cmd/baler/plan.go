package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/printable"
	"github.com/balerhq/baler/sink/llm"
)

func newPlan() *cobra.Command {
	o := options{dryRun: true}
	cmd := &cobra.Command{
		Use:   "plan INPUT...",
		Short: "Check the whole input and print what run would do",
		Long: `Read and check the whole input as "baler run" would with the same flags, and print
how many rows there are, which routes answer them, what these allow, and what to mind.
Rows that have an answer in the state directory cost nothing. What runs there have
bought before says how long the batches may take. Nothing is sent, no key is needed, and nothing is kept. "baler run --dry-run" is the
same.`,
		Example: `  baler plan tickets.jsonl --prompt 'Summarise: {{.text}}' --route-field genre \
    --route mini=openai/gpt-5.4-mini --route haiku=anthropic/claude-haiku-5.5 \
    --route-map 'legal=haiku,*=mini'`,
		Args: o.takeInputs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.file.several() {
				return usage("%s has several stages: name one with --%s", o.file.file, stageFlag)
			}
			o.setName(cmd)
			return o.plan(cmd)
		},
	}
	o.flags(cmd)
	o.file.flags(cmd)
	jsonFlag(cmd, &o.json)
	return cmd
}

// plan reads the input into a temporary directory.
func (o *options) plan(cmd *cobra.Command) (err error) {
	known, err := durable.Open(o.state)
	if err != nil {
		return usage("%w", err)
	}
	path, err := os.MkdirTemp("", "baler-plan-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(path)) }()
	o.state = path // that of the run is not touched
	job, err := o.prepareKeyless(cmd)
	if err != nil {
		return err
	}
	dir, err := durable.Open(path)
	if err != nil {
		return err
	}
	job.Dir, job.Fresh = dir.With(state.Config{Log: job.Log}), false
	quote, report, err := durable.Estimate(cmd.Context(), job, known)
	if err != nil {
		return o.explain(err, report)
	}
	expected := o.expect(known, &quote, job.Log)
	if o.json {
		return printJSON(cmd.OutOrStdout(), "plan", newPlanned(&report, quote, expected))
	}
	return o.printPlan(cmd.OutOrStdout(), job, report, &quote, expected)
}

func (o *options) printPlan(w io.Writer, job durable.Job[source.Row], report durable.Report, quote *durable.Quote, expected []expectation) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "rows\t%s%s\n", thousands(report.Rows), countIf(report.Duplicates, ", and ", "repeated one dropped", "repeated ones dropped")+noteIf(report.Filtered, ", and %s left out")+noteIf(report.Rejected, ", and %s rejected"))
	o.messages.attach.seen.describe(t)
	plannedTokens(t, plannedInput(&report, quote), o.messages.options.all)
	for _, line := range o.messages.planned() {
		fmt.Fprintf(t, "%s\t%s\n", line[0], printable.Line(line[1], 96))
	}
	for _, r := range o.plannedRoutes(job) {
		r.print(t)
		for _, line := range o.answers.planned(r.route) {
			fmt.Fprintf(t, "\t%s\n", line)
		}
	}
	o.budget.printQuote(t, quote)
	for i := range expected {
		expected[i].describe(t)
	}
	if o.routing.given() {
		fmt.Fprintf(t, "a row takes\t%s\n", o.routing.rule())
	}
	fmt.Fprintf(t, "results\t%s\n", printable.Line(o.form.planned(o.out), 128))
	fmt.Fprintf(t, "sent\tnothing\n")
	return t.Flush()
}

// plannedTokens says about how many tokens the rows ask with, and how many the
// answers may have if that is limited for all of them.
func plannedTokens(w io.Writer, input int, options llm.Options) {
	if input == 0 {
		return
	}
	answers := ""
	if most, err := strconv.Atoi(string(options["max_tokens"])); err == nil {
		answers = fmt.Sprintf("; answers have %s at most for each row", thousands(most))
	}
	fmt.Fprintf(w, "tokens\tabout %s of input%s\n", thousands(input), answers)
}

// plannedInput is about how many tokens the requests have: those that the cost is
// of, or the estimate by their size if no price is known of some.
func plannedInput(report *durable.Report, quote *durable.Quote) (tokens int) {
	for i := range quote.Routes {
		if !quote.Routes[i].Priced {
			return int(report.InputTokens)
		}
		tokens += quote.Routes[i].Usage.Input
	}
	if len(quote.Routes) == 0 {
		return int(report.InputTokens)
	}
	return tokens
}

// plannedRoute is a route as a plan shows it.
type plannedRoute struct {
	name    string
	keys    []string
	set     bool
	live    bool
	route   durable.Route
	caveats []string
}

func (o *options) plannedRoutes(job durable.Job[source.Row]) (all []plannedRoute) {
	if !o.routing.given() {
		p, _ := findProvider(o.provider) // prepare has found it
		return []plannedRoute{{
			name: "provider", keys: p.Keys, set: keyOf(&p) != "", caveats: p.Caveats,
			route: durable.Route{Provider: job.Provider, Model: job.Model},
		}}
	}
	for i, r := range o.routing.parsed {
		planned := plannedRoute{
			name: "route " + printable.Line(r.name, 64), keys: r.keys(), set: r.secret() != "", route: job.Routes[i], caveats: r.entry.Caveats,
		}
		if r.live {
			planned.live, planned.caveats = true, nil
		}
		all = append(all, planned)
	}
	return all
}

func (r *plannedRoute) print(w io.Writer) {
	info, limits := r.route.Provider.Info(), r.route.Provider.Limits(r.route.Model)
	model := r.route.Model
	if model == "" {
		model = "the models that the rows name"
	}
	fmt.Fprintf(w, "%s\t%s, %s\n", r.name, info.Name, printable.Line(model, 64))
	fmt.Fprintf(w, "\tat %s\n", printable.Line(info.Origin, 128))
	key := "not set"
	if r.set {
		key = "set"
	}
	fmt.Fprintf(w, "\tthe key is in %s, which is %s\n", orList(r.keys), key)
	if len(r.route.Options) > 0 {
		set := optionsFlag{all: r.route.Options}
		fmt.Fprintf(w, "\twith the options %s\n", printable.Line(set.text(), 96))
	}
	if r.route.Within > 0 {
		fmt.Fprintf(w, "\ttakes only rows near their deadline; batches with rows that have less than %s left are cancelled for it\n", r.route.Within)
	}
	if r.route.MaxAttempts > 0 {
		fmt.Fprintf(w, "\tis sent a row %s at most\n", counted(r.route.MaxAttempts, "time", "times"))
	}
	if n := r.route.MaxInFlight; n > 0 {
		fmt.Fprintf(w, "\thas %s open at a time at most\n", batchCount(n))
	}
	if r.route.Window > 0 {
		fmt.Fprintf(w, "\tcancels a batch after %s\n", r.route.Window)
	}
	if r.live {
		fmt.Fprintf(w, "\trow by row at the synchronous price\n")
		return
	}
	if limits.Rows > 0 {
		fmt.Fprintf(w, "\tallows %s in a batch\n", rowCount(limits.Rows))
	}
	if limits.Bytes > 0 {
		fmt.Fprintf(w, "\tallows %s bytes in a batch\n", thousands(int(limits.Bytes)))
	}
	if limits.Window > 0 {
		fmt.Fprintf(w, "\ta batch may take %s\n", limits.Window)
	}
	for _, caveat := range r.caveats {
		fmt.Fprintf(w, "\t%s\n", caveat)
	}
}
