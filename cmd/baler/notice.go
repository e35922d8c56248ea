package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/retry"
)

// printingWaits is the context of a command that asks the provider something by
// itself: what it waits for is printed.
func printingWaits(cmd *cobra.Command) context.Context {
	return retry.Observe(cmd.Context(), func(a retry.Attempt) {
		if a.Delay > 0 {
			n := durable.Notice{Text: a.Err.Error(), Next: time.Now().Add(a.Delay)}
			fmt.Fprintln(cmd.ErrOrStderr(), "notice: "+plain(noticeText(n)))
		}
	})
}

// noticeText is a notice in one line: what happened, since when and how often,
// when the run tries again, and what to do.
func noticeText(n durable.Notice) string {
	parts := []string{n.Text}
	if n.Batch != "" {
		parts[0] = "batch " + n.Batch + ": " + n.Text
	}
	if n.Times > 1 {
		parts = append(parts, fmt.Sprintf("%s times since %s", thousands(n.Times), clock(n.Since)))
	}
	if !n.Next.IsZero() {
		parts = append(parts, "next try at "+clock(n.Next))
	}
	if n.Advice != "" {
		parts = append(parts, n.Advice)
	}
	return strings.Join(parts, "; ")
}
