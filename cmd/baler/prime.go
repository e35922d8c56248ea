package main

import (
	"fmt"
	"io"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/internal/printable"
)

// printPrime says what --prime-cache may do for the rows of a route.
func printPrime(w io.Writer, r *durable.RouteQuote) {
	p := r.Prime
	switch {
	case p == nil:
	case !p.Supported:
		fmt.Fprintf(w, "prompt cache\tnone is known of %s at %s: --prime-cache does nothing there\n", printable.Line(r.Model, 64), r.Provider)
	case p.First == 0:
		fmt.Fprintf(w, "prompt cache\tno %d rows share a beginning of %s tokens, which %s needs: --prime-cache does nothing\n", durable.LeastPrimed, thousands(p.MinTokens), r.Provider)
	default:
		saved := ""
		switch {
		case r.Priced && p.Saved > 0:
			saved = ", which saves " + cents(p.Saved)
		case r.Priced:
			saved = ", which saves nothing at these prices"
		}
		fmt.Fprintf(w, "prompt cache\t%s rows share the beginning of their prompts with others, %s in all: one row of each is asked first\n", thousands(p.Rows), counted(p.First, "beginning", "beginnings"))
		fmt.Fprintf(w, "\tabout %s tokens written to the cache and %s read from it%s\n", thousands(p.Written), thousands(p.Read), saved)
		fmt.Fprintf(w, "\tthat is if all others hit, which no provider promises: it keeps a beginning for %s after its last use\n", p.Life)
		fmt.Fprintf(w, "\tthe others wait until the batches of the first ones have ended\n")
	}
}
