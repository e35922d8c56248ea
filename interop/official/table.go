package main

import (
	"fmt"
	"os"
	"text/tabwriter"
)

// A row is what became of one client.
type row struct {
	language, provider, version string
	passed                      int // steps
	err                         error
	untried                     bool
}

// printTable prints the table and reports whether every client passed. With
// -fast, one that could not be tried has not failed.
func printTable(rows []row) bool {
	passed, steps, failed := true, 0, 0
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nlanguage\tprovider\tclient\tsteps\t")
	for _, r := range rows {
		result := ""
		switch {
		case r.err == nil:
		case r.untried && *fast:
			result = r.err.Error()
		default:
			result, passed = "FAILED: "+r.err.Error(), false
			failed++
		}
		steps += r.passed
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", r.language, r.provider, r.version, r.passed, result)
	}
	_ = w.Flush()
	fmt.Printf("\n%d passed, %d failed\n", steps, failed)
	return passed
}
