package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/balerhq/baler/flow/durable"
)

// printSummary says how a finished run went.
func printSummary(w io.Writer, r durable.Report, out string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(name string, value int, note string) {
		fmt.Fprintf(t, "%s\t%s\t %s\n", name, thousands(value), note)
	}
	line("rows", r.Rows, noteIf(r.Duplicates, "and %s repeated ones dropped"))
	line("succeeded", r.Succeeded, "")
	line("failed", r.Failed, noteIf(r.Retried, "after %s retries of rows"))
	line("from cache", r.Cached, "")
	line("batches", r.Batches, noteIf(r.Strays, "%s unexpected result rows left out"))
	line("tokens", r.Usage.Input+r.Usage.Output, fmt.Sprintf("%s in, %s out", thousands(r.Usage.Input), thousands(r.Usage.Output)))
	fmt.Fprintf(t, "time\t%s\t\n", r.Elapsed.Round(10*time.Millisecond))
	_ = t.Flush() // as with Fprintf: there is nobody to tell
	fmt.Fprintf(w, "results in %s\n", out)
}

func noteIf(n int, format string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(format, thousands(n))
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
