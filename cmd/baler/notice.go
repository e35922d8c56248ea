package main

import (
	"fmt"
	"strings"

	"github.com/balerhq/baler/flow/durable"
)

// noticeLine is a notice in one line: what happened, since when and how often,
// when the run tries again, and what to do.
func noticeLine(n durable.Notice) string {
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
