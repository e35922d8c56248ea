package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/internal/printable"
	"github.com/balerhq/baler/sink/llm"
)

// printSummary says how a finished run went.
func printSummary(w io.Writer, r durable.Report, out string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(name string, value int, note string) {
		fmt.Fprintf(t, "%s\t%s\t %s\n", name, thousands(value), note)
	}
	line("rows", r.Rows, countIf(r.Duplicates, "and ", "repeated one dropped", "repeated ones dropped"))
	if r.Earlier.Rows > 0 {
		line("added", r.Rows-r.Earlier.Rows, "since the run ended with "+rowCount(r.Earlier.Rows))
	}
	if r.Filtered > 0 {
		line("left out", r.Filtered, "rows that --where does not want")
	}
	if r.Rejected > 0 {
		line("rejected", r.Rejected, "rows that cannot be used")
	}
	line("succeeded", r.Succeeded, "")
	line("failed", r.Failed, countIf(r.Retried, "after ", "retry of a row", "retries of rows"))
	for _, code := range codes(r.Failures) {
		line("", r.Failures[code], printable.Line(code, 64))
	}
	if r.Resent > 0 {
		line("sent again", r.Resent, "rows by decision, which may be paid for twice")
	}
	if r.Late > 0 {
		line("late", r.Late, "results that came after the deadline of their row")
	}
	if r.Unsourced > 0 {
		line("unsourced", r.Unsourced, "answers with citations, most of whose fields rest on none")
	}
	if r.State == durable.StateCancelled {
		line("cancelled", r.Cancelled, "rows without a result")
	}
	line("from cache", r.Cached, cacheNote(r))
	if r.Shared > 0 {
		line("shared", r.Shared, "rows that got the answer of another one that asks the same")
	}
	line("batches", r.Batches, noteIf(r.Refused, "and %s refused without running"))
	line("tokens", tokens(r.Usage), fmt.Sprintf("(%s in, %s out)", thousands(r.Usage.Input), thousands(r.Usage.Output)))
	if cached := r.Usage.CachedInput; cached+r.Usage.CacheWrites > 0 {
		line("", cached, fmt.Sprintf("of them read from the provider's cache, %d %% of the input, and %s written to it", 100*cached/max(1, r.Usage.Input), thousands(r.Usage.CacheWrites)))
	}
	if len(r.Routes) > 1 {
		for _, by := range r.Routes {
			line("", tokens(by.Usage), "by "+describeRoute(by, r.Routes))
		}
	}
	for _, odd := range []struct {
		name string
		n    int
		note string
	}{
		{"missing", r.Unexpected.Missing, "rows without a result in their batch: they were retried, or failed"},
		{"repeated", r.Unexpected.Repeated, "results of a row that already had one, left out"},
		{"foreign", r.Unexpected.Foreign, "results that name no row of their batch or cannot be read, left out"},
		{"surplus", r.Unexpected.Surplus, "results of rows that are not in the batch, left out"},
		{"not cached", r.CacheGone, "rows that were submitted, because the answers of other runs are gone"},
		{"wasted", tokens(r.DuplicateSpend), "tokens of batches that were bought twice"},
	} {
		if odd.n > 0 {
			line(odd.name, odd.n, odd.note)
		}
	}
	printReceipt(func(name, amount, note string) { fmt.Fprintf(t, "%s\t%s\t %s\n", name, amount, note) }, &r)
	fmt.Fprintf(t, "time\t%s\t\n", r.Elapsed.Round(10*time.Millisecond))
	_ = t.Flush() // as with Fprintf: there is nobody to tell
	fmt.Fprintf(w, "results in %s\n", out)
}

// cacheNote says where the answers of rows that were not submitted this time
// are from.
func cacheNote(r durable.Report) string {
	notes := []string{
		noteIf(r.FromCache, "%s of them answered in other runs"),
		noteIf(r.Cached-r.FromCache, "%s of them done before this start"),
	}
	return strings.Join(slices.DeleteFunc(notes, func(note string) bool { return note == "" }), ", ")
}

// describeRoute says who answered, and at which endpoint if another one of all
// has the same model.
func describeRoute(r durable.RouteProgress, all []durable.RouteProgress) string {
	at := r.Provider
	if slices.ContainsFunc(all, func(o durable.RouteProgress) bool {
		return o.Model == r.Model && o.Provider == r.Provider && o.Endpoint != r.Endpoint
	}) {
		at += " " + printable.Line(r.Endpoint, 64)
	}
	return fmt.Sprintf("%s at %s: %s", printable.Line(r.Model, 64), at, rowCount(r.Succeeded+r.Failed))
}

func tokens(u llm.Usage) int { return u.Input + u.Output }

func noteIf(n int, format string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(format, thousands(n))
}

// countIf is a number of things in words after what comes before it, unless
// there are none.
func countIf(n int, before, one, more string) string {
	if n == 0 {
		return ""
	}
	return before + counted(n, one, more)
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

// counted is a number of things in words, as in "1 batch" and "1,234 rows".
func counted(n int, one, more string) string {
	if n == 1 {
		more = one
	}
	return thousands(n) + " " + more
}

func rowCount(n int) string { return counted(n, "row", "rows") }

func batchCount(n int) string { return counted(n, "batch", "batches") }

// codes are those of failures, the most frequent first.
func codes(failures map[string]int) []string {
	return slices.SortedFunc(maps.Keys(failures), func(a, b string) int {
		return cmp.Or(failures[b]-failures[a], strings.Compare(a, b))
	})
}
