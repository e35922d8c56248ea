package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
)

func newSettle() *cobra.Command {
	var (
		r                       runFlags
		batch, missing, unclear string
	)
	cmd := &cobra.Command{
		Use:   "settle [NAME] --batch ID --missing fail|again",
		Short: "Decide about rows that the provider ran but has no result for, or that it may have",
		Long: `Decide about rows of a batch that the provider ran, or may have run, but has no
result for, however often it is asked. "baler status" names the batch. With "fail"
the rows fail, with the code result_missing. With "again" they are submitted again,
and may be paid for twice. Results that come before the decision is carried out
count. Without a decision, every "baler run" asks for the results once more, and the
files at the provider stay.

With --unclear buy-again, decide about a batch whose creation was not answered, and
which may or may not exist: its rows wait no longer, and are bought again, on
whatever route takes them now. They may be paid for twice, so what the batch may
have cost counts as waste. It is looked for once more, and cancelled if it is there
and the provider keeps tags; at others it may run to its end.` + controlExit,
		Example: `  baler settle tickets --batch batch_68f2c1 --missing again
  baler settle tickets --batch 7GQ2M4ZC0V9XK1PA --unclear buy-again`,
		Args: oneName(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if batch == "" {
				return usage(`--batch is missing: "baler status" names it`)
			}
			h, err := r.attach(args)
			if err != nil {
				return err
			}
			if err := settle(cmd.Context(), h, batch, missing, unclear); err != nil {
				return err
			}
			return r.show(cmd.OutOrStdout(), h)
		},
	}
	r.flags(cmd)
	cmd.Flags().StringVar(&batch, "batch", "", `batch, as "baler status" names it (required)`)
	cmd.Flags().StringVar(&missing, "missing", "", "decision about its rows without a result: fail or again")
	cmd.Flags().StringVar(&unclear, "unclear", "", "decision about a batch whose creation was not answered: buy-again")
	cmd.MarkFlagsMutuallyExclusive("missing", "unclear")
	return cmd
}

func settle(ctx context.Context, h *durable.Handle, batch, missing, unclear string) error {
	d := durable.Decision(missing + unclear) // one of them is empty
	switch {
	case unclear != "" && d != durable.DecisionBuyAgain:
		return usage("--unclear is %q: must be %s", unclear, durable.DecisionBuyAgain)
	case unclear == "" && d != durable.DecisionFail && d != durable.DecisionSend:
		return usage("--missing is %q: must be %s or %s", missing, durable.DecisionFail, durable.DecisionSend)
	}
	err := h.Settle(ctx, batch, d)
	switch {
	case errors.Is(err, errInterrupted):
		return &exitError{exitResumable, err}
	case err != nil:
		return usage("%w", err)
	}
	return nil
}

// decide says how to decide about the batches that wait for a person.
func decide(s *stop) string {
	waits, _ := errors.AsType[*durable.UndecidedError](s.err)
	var b strings.Builder
	b.WriteString("run " + s.again + " to ask for the results once more, or decide to fail the rows or to submit them again:")
	for _, open := range waits.Batches {
		fmt.Fprintf(&b, "\n  baler settle %s --batch %s%s --missing fail|again", waits.Name, open.Batch, s.stateFlag())
	}
	return b.String()
}
