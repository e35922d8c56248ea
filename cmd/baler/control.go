package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
)

const controlExit = `

Without a NAME the command takes the only run of the state directory. It works
whether a process runs the run or not: if none does, the next process applies the
request. The exit code is 0 once the request is applied, or recorded for the next
process. It is 2 if there is no such run, or if the run has ended. It is 3 if the
command was interrupted before the request was applied; the process that runs the
run then applies it later.`

func newPause() *cobra.Command {
	return newControl("pause", "Buy nothing new for a run until you resume it",
		`Buy nothing new for a run until you resume it: no batch is created once the
command has ended. Open batches go on, and their results are written. A time limit
goes on counting.`, (*durable.Handle).Pause)
}

func newResume() *cobra.Command {
	return newControl("resume", "Undo pause, so that the run buys batches again", "Undo pause, so that the run buys batches again.", (*durable.Handle).Resume)
}

func newCancel() *cobra.Command {
	return newControl("cancel", "End a run for good and keep what it has",
		`End a run for good: nothing is bought once the command has ended. Open batches are
cancelled at the provider, and the results of the rows that ran are written. All
other rows get no result. A cancel cannot be undone, and "baler run" says so. To
stop a run and go on later, interrupt it or pause it.`, (*durable.Handle).Cancel)
}

func newDrain() *cobra.Command {
	return newControl("drain", "Let a run take no more rows, and end with those that it has",
		`Let a run take no more rows. Those that it has taken are settled, and then the run
is completed. It is how a run ends whose program feeds it from a queue, without an
end. A run that reads a file leaves out the rows that it has not read. It cannot be
undone.`, (*durable.Handle).Drain)
}

func newControl(use, short, long string, ask func(*durable.Handle, context.Context) error) *cobra.Command {
	var r runFlags
	cmd := &cobra.Command{
		Use:     use + " [NAME]",
		Short:   short,
		Long:    long + controlExit,
		Example: "  baler " + use + " tickets",
		Args:    oneName(),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := r.attach(args)
			if err != nil {
				return err
			}
			if err := r.ask(cmd.Context(), h, ask); err != nil {
				return err
			}
			return r.show(cmd.OutOrStdout(), h)
		},
	}
	r.flags(cmd)
	return cmd
}

// ask sends a request to a run that has not ended. Cancelling twice is no
// mistake.
func (r *runFlags) ask(ctx context.Context, h *durable.Handle, ask func(*durable.Handle, context.Context) error) error {
	s, err := h.Status()
	if err != nil {
		return usage("%w", err)
	}
	if s.State == durable.StateCompleted {
		return usage("the run %q is completed", h.Name())
	}
	err = ask(h, ctx)
	if errors.Is(err, errInterrupted) {
		return &exitError{exitResumable, err}
	}
	if err != nil {
		return usage("%w", err)
	}
	return nil
}
