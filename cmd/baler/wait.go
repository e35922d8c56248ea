package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
)

func newWait() *cobra.Command {
	var (
		r       runFlags
		timeout time.Duration
	)
	cmd := &cobra.Command{
		Use:   "wait [NAME]",
		Short: "Wait until a run in another process has ended",
		Long: `Wait until no process runs the run any more, and exit as "baler run" would. The exit
code is 0 if all rows succeeded, 1 if some failed or the run was cancelled, and 2 if
there is no such run. It is 3 if the run stopped and can be run again, or if the
--timeout was over first.`,
		Args: oneName(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if timeout < 0 {
				return usage("--timeout is %s: must not be negative", timeout)
			}
			h, err := r.attach(args)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			if timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeoutCause(ctx, timeout, fmt.Errorf("--timeout %s is over", timeout))
				defer cancel()
			}
			report, err := h.Wait(ctx)
			return errors.Join(r.show(cmd.OutOrStdout(), h), ending(report, err))
		},
	}
	r.flags(cmd)
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "longest time to wait (default: until the run has ended)")
	return cmd
}

// ending is the error that makes a command exit as the run did.
func ending(report durable.Report, err error) error {
	switch {
	case isA[*durable.CancelledError](&stop{err: err}):
		return (&stop{err: err}).explain()
	case err != nil:
		return &exitError{exitResumable, err}
	case report.Failed > 0:
		return &failedRowsError{report.Failed}
	}
	return nil
}
