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
		quiet   bool
	)
	cmd := &cobra.Command{
		Use:     "wait [NAME]",
		Aliases: []string{"watch"},
		Short:   "Wait until a run in another process has ended",
		Long: `Wait until no process runs the run any more, and exit as "baler run" would. The exit
code is 0 if all rows succeeded, 1 if some failed or the run was cancelled, and 2 if
there is no such run. It is 3 if the run stopped and can be run again, or if the
--timeout was over first. Meanwhile a terminal shows how far the run is.`,
		Example: `  baler wait tickets --timeout 12h`,
		Args:    oneName(),
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
			stop := watchRun(cmd, h, quiet)
			report, err := h.Wait(ctx)
			stop()
			return errors.Join(r.show(cmd.OutOrStdout(), h), ending(report, err))
		},
	}
	r.flags(cmd)
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "longest time to wait (default: until the run has ended)")
	cmd.Flags().BoolVar(&quiet, "quiet", false, "show no progress on a terminal")
	return cmd
}

// watchRun shows a run of another process on a terminal, and nothing elsewhere.
func watchRun(cmd *cobra.Command, h *durable.Handle, quiet bool) (stop func()) {
	s := screen{quiet: quiet, format: formatText}
	c := newConsole(cmd)
	if _, ok := viewable(c.stderr); !ok {
		return func() {}
	}
	return s.display(c, func() (durable.Status, bool) { status, err := h.Status(); return status, err == nil }, false).close
}

// ending is the error that makes a command exit as the run did.
func ending(report durable.Report, err error) error {
	switch {
	case isA[*durable.CancelledError](&stop{err: err}):
		return (&stop{err: err}).explain()
	case err != nil:
		return &exitError{exitResumable, err}
	case report.Failed > report.Earlier.Failed:
		return &failedRowsError{report.Failed - report.Earlier.Failed}
	case report.Rejected > report.Earlier.Rejected:
		return &exitError{exitFailed, fmt.Errorf("%s cannot be used: see the file of --rejects", rowCount(report.Rejected-report.Earlier.Rejected))}
	}
	return nil
}
