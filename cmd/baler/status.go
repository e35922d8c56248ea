package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
)

func newStatus() *cobra.Command {
	var r runFlags
	var by tenants
	var row string
	cmd := &cobra.Command{
		Use:   "status [NAME]",
		Short: "Show how far a run is, whether a process runs it or not",
		Long: `Show how far a run is. The run may be under way in another process, have ended, or
be stopped; "baler run" with the same flags resumes a stopped run. Without a NAME the
command takes the only run of the state directory. The exit code is 0 for every state
that a run can be in, and 2 if there is no such run.

With --row, say where one row is: whether it waits, and behind how many others if a
process runs the run, or in which batch it is, or what its result is. The exit code is
2 if the run has read no such row so far.`,
		Example: `  baler status tickets --json
  baler status tickets --row t-17`,
		Args: oneName(),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := r.attach(args)
			if err != nil {
				return err
			}
			if row != "" {
				return showItem(cmd.Context(), cmd.OutOrStdout(), &r, h, row)
			}
			if by.all || by.name != "" {
				return by.show(cmd.OutOrStdout(), &r, h)
			}
			return r.show(cmd.OutOrStdout(), h)
		},
	}
	r.flags(cmd)
	by.flags(cmd)
	cmd.Flags().StringVar(&row, "row", "", "say where the row of this id is")
	cmd.MarkFlagsMutuallyExclusive("row", "tenants")
	cmd.MarkFlagsMutuallyExclusive("row", "tenant")
	return cmd
}

func newRuns() *cobra.Command {
	var r runFlags
	var only labelFilter
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List the runs of a state directory",
		Long: `List the runs of a state directory, or those with the labels that --label of "baler run"
gave them. With --json, one object a line.`,
		Example: "  baler runs --label team=support",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			runs, err := runsOf(r.state)
			if err != nil {
				return usage("%w", err)
			}
			return r.list(cmd.OutOrStdout(), only.without(runs))
		},
	}
	r.flags(cmd)
	only.flags(cmd)
	return cmd
}

func (r *runFlags) list(w io.Writer, runs []durable.Status) error {
	if r.json {
		for _, s := range runs {
			if err := printJSON(w, "status", s); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head, labelled := "NAME\tSTATE\tROWS\tSUCCEEDED\tFAILED\tOPEN BATCHES\tUPDATED", slices.ContainsFunc(runs, hasLabels)
	if labelled {
		head += "\tLABELS"
	}
	fmt.Fprintln(t, head)
	for _, s := range runs {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%s", plain(s.Name), describeState(s), thousands(s.Rows),
			thousands(s.Succeeded), thousands(s.Failed), len(s.Open), clock(s.Updated))
		if labelled {
			fmt.Fprintf(t, "\t%s", plain(describeLabels(s.Labels)))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

func hasLabels(s durable.Status) bool { return len(s.Labels) > 0 }

// printStatus says where a run stands, and what can be done about it.
func printStatus(w io.Writer, s durable.Status) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\n", name, plain(fmt.Sprintf(format, args...)))
	}
	line("run", "%s", s.Name)
	if len(s.Labels) > 0 {
		line("labels", "%s", describeLabels(s.Labels))
	}
	line("state", "%s", describeState(s))
	if note := nextStep(s); note != "" {
		line("", "%s", note)
	}
	for _, n := range s.Notices {
		line("notice", "%s", noticeText(n))
	}
	line("rows", "%s%s", thousands(s.Rows), unless(s.Read, ", not all read yet"))
	if s.Rejected > 0 {
		line("rejected", "%s that cannot be used", rowCount(s.Rejected))
	}
	line("succeeded", "%s", thousands(s.Succeeded))
	line("failed", "%s", thousands(s.Failed))
	if s.Unsourced > 0 {
		line("unsourced", "%s, most of whose fields rest on no citation", counted(s.Unsourced, "answer", "answers"))
	}
	if s.Resent > 0 {
		line("sent again", "%s by decision, which may be paid for twice", rowCount(s.Resent))
	}
	if s.Late > 0 {
		line("late", "%s", thousands(s.Late))
	}
	if s.State == durable.StateCancelled {
		line("cancelled", "%s", thousands(s.Cancelled))
	}
	line("batches", "%d bought, %d open%s", s.Batches, len(s.Open), noteIf(s.Refused, ", %s refused"))
	for _, by := range s.Routes {
		line("answered", "by %s", describeRoute(by, s.Routes))
	}
	printReceipt(func(name, amount, note string) { line(name, "%s %s", amount, note) }, &s.Report)
	if s.Reuse != nil {
		line("reused", "%s", describeReuse(s.Reuse))
	}
	if r := s.Remote; r != (durable.Remote{}) {
		line("at provider", "%s", stored(r))
	}
	line("started", "%s", clock(s.Started))
	line("updated", "%s", clock(s.Updated))
	if !s.Deadline.IsZero() && !s.Ended() {
		line("time limit", "%s", clock(s.Deadline))
	}
	for _, b := range s.Open {
		line("open batch", "%s  %s, %s%s%s", name(b), b.State, rowCount(b.Rows), noteIf(b.Missing, ", %s missing"), since(b.SentAt))
	}
	_ = t.Flush() // as with Fprintf: there is nobody to tell
}

// name is the provider's name of a batch, or ours as long as it has none.
func name(b durable.OpenBatch) string {
	if b.Batch == "" {
		return b.Tag
	}
	return b.Batch
}

// stored is what the provider stores for a run.
func stored(r durable.Remote) string {
	return fmt.Sprintf("%s, results of %s (about %s)%s",
		counted(r.Inputs, "upload", "uploads"), batchCount(r.Results), size(r.Bytes), countIf(r.Files, ", ", "file of rows", "files of rows"))
}

func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ", sent " + clock(t)
}

func unless(ok bool, note string) string {
	if ok {
		return ""
	}
	return note
}

func clock(t time.Time) string { return t.Local().Format(time.DateTime) }
