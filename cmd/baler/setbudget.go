package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
)

func newBudget() *cobra.Command {
	var r runFlags
	cmd := &cobra.Command{
		Use:   "budget [NAME] AMOUNT",
		Short: "Change what a run may spend, while it runs or between two starts",
		Long: `Change the --budget of a run that has one. A process that runs the run keeps the new
one once the command has ended: a run that waits for room in its budget goes on at
once. It counts for later starts with the same --budget, too. A start with another
--budget than the one before, or with --fresh, puts an end to it for good; the former
says so. A run that has stopped on its budget goes on when the same command is run
again.` + controlExit,
		Example: "  baler budget tickets 15usd",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var amount moneyFlag
			last := len(args) - 1
			if err := amount.Set(args[last]); err != nil {
				return usage("the budget is %q: %w", args[last], err)
			}
			h, err := r.attach(args[:last])
			if err != nil {
				return err
			}
			set := func(h *durable.Handle, ctx context.Context) error { return h.SetBudget(ctx, amount.Money) }
			if err := r.ask(cmd.Context(), h, set); err != nil {
				return err
			}
			if err := r.show(cmd.OutOrStdout(), h); err != nil {
				return fmt.Errorf("the budget is set: %w", err)
			}
			return nil
		},
	}
	r.flags(cmd)
	return cmd
}
