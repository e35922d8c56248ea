package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/sink/catalog"
)

// doctorOptions are the flags of doctor.
type doctorOptions struct {
	state        string
	repair, json bool
	probe        bool

	orphans, cancelOrphans bool
	sweep                  bool
	adopt                  string // the run that gets them
	adoptOutput            string // and the results in this file
	provider, baseURL      string
	all                    bool     // all providers of the runs are to be swept
	also                   []string // beside the first
	since                  time.Duration
}

func newDoctor() *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine a state directory, and repair damage",
		Example: `  baler doctor --repair
  baler doctor --orphans --since 7d`,
		Long: `Examine all files of a state directory. The command compares the journal,
requests, batches and results of each run with each other and with the index. With
--repair it makes a damaged or lost index again from the other files, a journal from
the index, and the requests of a batch from the journal. It moves the old file
aside. Then the run goes on with the command that began it.

With --orphans it asks the provider for batches that no run waits for.

With --sweep it removes the provider's files that nobody needs. These are files of
runs that have ended, also at other providers that these have had routes at and
whose keys are set, uploads that a crash has left without a batch, and files of
rows (see baler run --file-upload) older than two days that no run knows. A run
removes its files at its end, unless --keep-remote=DURATION keeps them or the
provider fails.

With --adopt NAME the answers in orphaned batches go to the rows of that run that
wait for one, so that they are not bought again. If the state directory was lost,
begin the same run in a new one, with the same input, ids, prompt and model:

  baler run INPUT ... --name NAME --ingest   reads the input, buys nothing
  baler doctor --adopt NAME                  again later, if some still run
  baler run INPUT ... --name NAME            delivers them, and buys the rest

The command names each batch with rows that could not be brought back, and their
number. With --adopt-output FILE the results in an old output file of the run go to
the run first, also those whose batches are gone at the provider. Move the file away
before you begin the run anew. If no key is set, the command reads only that file.

Rows are identified by their ids alone: do not adopt for a run that asks something
else.

The exit code is 0 if all is well, 1 if there are problems, 2 for a mistake in the
command or a directory that cannot be examined, such as one that is in use, and 3 if
the command was interrupted. Answers that --adopt could not bring back for rows that
still wait are a problem, too.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&o.state, "state", defaultState(), "state directory, which remembers the runs; also BALER_STATE")
	f.BoolVar(&o.repair, "repair", false, "repair what is damaged")
	jsonFlag(cmd, &o.json)
	f.BoolVar(&o.orphans, "orphans", false, "list batches at the provider that no run waits for, uploads without a batch, and files of rows that no run knows; needs the key")
	f.BoolVar(&o.cancelOrphans, "cancel-orphans", false, "cancel the orphaned batches that still run, also those of other directories")
	f.BoolVar(&o.sweep, "sweep", false, "remove the provider's files that nobody needs, unless --keep-remote keeps them; needs the key")
	f.StringVar(&o.adopt, "adopt", "", "run that gets the answers of orphaned batches that have ended, for its rows that wait for one")
	f.StringVar(&o.adoptOutput, "adopt-output", "", "old output file of the run that --adopt names; its results go to rows that wait, by their ids")
	f.StringVar(&o.provider, "provider", "", "provider for --orphans, --adopt and --sweep (default: that of the runs; --sweep alone asks all of them whose keys are set)")
	f.StringVar(&o.baseURL, "base-url", "", "address of the API (default: the provider's; see baler providers)")
	f.DurationVar(&o.since, "since", 30*24*time.Hour, "greatest age of an orphaned batch")
	f.BoolVar(&o.probe, "probe", false, "examine in this process, which a damaged index may end")
	_ = f.MarkHidden("probe") // it exists
	cmd.MarkFlagsMutuallyExclusive("adopt", "cancel-orphans")
	return cmd
}

func (o *doctorOptions) run(cmd *cobra.Command) error {
	if o.adoptOutput != "" && o.adopt == "" {
		return usage("--adopt-output needs --adopt, which names the run that gets the results")
	}
	log := newLogger(cmd.ErrOrStderr())
	if o.probe {
		return probe(cmd.Context(), cmd.OutOrStdout(), o.state, log)
	}
	if err := o.chooseProvider(); err != nil {
		return err
	}
	health, err := examine(cmd.Context(), o.state)
	if err != nil {
		return o.explain(cmd.Context(), err)
	}
	report := doctorReport{Health: health}
	if o.repair && health.Repairable() {
		if err := report.repair(cmd.Context(), o.state, log); err != nil {
			return o.explain(cmd.Context(), err)
		}
	}
	if err := o.lookAround(printingWaits(cmd), &report, log); err != nil {
		return o.explain(cmd.Context(), err)
	}
	if err := report.print(cmd.OutOrStdout(), o.json); err != nil {
		return err
	}
	switch {
	case len(report.Problems) > 0:
		return &exitError{exitFailed, errors.New("there are problems")}
	case slices.ContainsFunc(report.Orphans, func(f orphan) bool { return f.Failed != "" }):
		return &exitError{exitFailed, errors.New("not all orphans could be cancelled")}
	case report.Adoption.incomplete():
		return &exitError{exitFailed, errors.New("not all that was bought could be brought back")}
	case slices.ContainsFunc(report.Files, func(f orphanFile) bool { return f.Failed != "" }),
		slices.ContainsFunc(report.Removals, func(r durable.Removal) bool { return r.Reason != "" }), len(report.Unasked) > 0:
		return &exitError{exitFailed, errors.New("not all files could be removed")}
	}
	return nil
}

// asks reports whether the command is about a provider.
func (o *doctorOptions) asks() bool {
	return o.orphans || o.cancelOrphans || o.sweep || o.adopt != "" || o.adoptOutput != ""
}

// lookAround reports the batches and files at the provider, and their fate.
func (o *doctorOptions) lookAround(ctx context.Context, report *doctorReport, log *slog.Logger) (err error) {
	if o.adoptOutput != "" {
		if report.Output, err = o.takeOutput(ctx, log); err != nil {
			return err
		}
	}
	if o.orphans || o.cancelOrphans || o.adopt != "" && !o.keyless() {
		if report.Orphans, err = o.findOrphans(ctx, log); err != nil {
			return err
		}
	}
	if o.adopt != "" {
		if report.Health, err = examine(ctx, o.state); err != nil {
			return err
		}
		report.Adoption = report.sum(o.adopt)
		report.Adoption.Unasked, report.Adoption.keys = o.keyless(), keyNamesOf(o.provider)
	}
	if o.orphans || o.sweep {
		if report.Files, err = o.findAllFiles(ctx, log); err != nil {
			return err
		}
	}
	if o.sweep {
		if report.Removals, err = o.removeKept(ctx, log); err == nil {
			report.Unasked = o.unasked()
		}
	}
	return err
}

// keyless reports whether an old output is all that can be adopted.
func (o *doctorOptions) keyless() bool {
	p, _ := catalog.Find(o.provider)
	return o.adoptOutput != "" && !o.orphans && keyOf(&p) == ""
}

func (o *doctorOptions) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return (&stop{err: errInterrupted, again: sameCommand}).explain()
	}
	return refusedState(err, o.state)
}

// maxRepairs is how many kinds of damage there are: one may hide another.
const maxRepairs = 3

// repair repairs what it can, and examines the directory again.
func (r *doctorReport) repair(ctx context.Context, dir string, log *slog.Logger) error {
	for range maxRepairs {
		if !r.Repairable() {
			break
		}
		err := r.repairOne(ctx, dir, log)
		if err != nil && ctx.Err() == nil {
			r.Failed = err.Error()
			return nil
		}
		if err != nil {
			return err
		}
		r.Repaired = append(r.Repaired, r.Problems...)
		if r.Health, err = examine(ctx, dir); err != nil {
			return err
		}
	}
	r.Repaired = slices.DeleteFunc(r.Repaired, func(p doctor.Problem) bool { return slices.Contains(r.Problems, p) })
	return nil
}

// repairOne makes journals again from the index, or files of batches from both,
// or the index from all of them.
func (r *doctorReport) repairOne(ctx context.Context, path string, log *slog.Logger) error {
	dir, err := quietDir(path, log)
	if err != nil {
		return err
	}
	switch {
	case r.Needs(doctor.RepairJournal):
		return doctor.RepairJournals(ctx, dir)
	case r.Needs(doctor.RepairBatchFiles):
		return doctor.RepairFiles(ctx, dir)
	}
	r.Aside, err = doctor.Rebuild(ctx, dir)
	return err
}

// doctorReport is what doctor found and did.
type doctorReport struct {
	*doctor.Health
	Repaired []doctor.Problem        `json:"repaired,omitempty"` // that were there before
	Orphans  []orphan                `json:"orphans,omitempty"`
	Output   *durable.OutputAdoption `json:"output,omitempty"`   // what became of --adopt-output
	Adoption *adoptionSum            `json:"adoption,omitempty"` // of --adopt
	Files    []orphanFile            `json:"files,omitempty"`    // uploads without a batch, and files of rows
	Removals []durable.Removal       `json:"removals,omitempty"`
	Unasked  []string                `json:"unasked,omitempty"` // providers that store files of runs, and whose key is not set
	Aside    string                  `json:"aside,omitempty"`   // where the old index is
	Failed   string                  `json:"failed,omitempty"`  // why it could not be repaired
}

func (r *doctorReport) print(w io.Writer, asJSON bool) error {
	if !asJSON {
		r.tell(w)
		return nil
	}
	return printJSON(w, "doctor", r)
}
