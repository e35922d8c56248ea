package durable_test

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/journal"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/simulator"
)

// rates are what a million tokens cost, in millionths of a dollar. The bill of the
// tests is added up from them with no code of package price.
type rates struct{ in, cached, out int64 }

// tariff is what the model of the tests costs in batches and live, for an input
// of up to so many tokens and above.
type tariff struct {
	above                            int64
	short, long, shortLive, longLive rates
}

var fixed = tariff{
	50, rates{2_000_000, 200_000, 9_000_000}, rates{3_500_000, 350_000, 13_000_000}, rates{4_000_000, 400_000, 18_000_000}, rates{7_000_000, 700_000, 26_000_000},
}

// testPrices are the fixed ones in a file.
func testPrices(tb testing.TB) *price.Table { tb.Helper(); return fixed.table(tb) }

// table returns the same as a file of prices says it.
func (f *tariff) table(tb testing.TB) *price.Table {
	tb.Helper()
	tier := func(r rates) string {
		dollars := func(n int64) string { return fmt.Sprintf("%d.%06d", n/1_000_000, n%1_000_000) }
		return fmt.Sprintf(`"input":%s,"cached":%s,"output":%s`, dollars(r.in), dollars(r.cached), dollars(r.out))
	}
	table, err := price.Read(strings.NewReader(fmt.Sprintf(`{"as_of":"2026-11","models":[{"provider":"openai","model":"gpt-test",
		"batch":[{%s},{"above":%d,%s}],"live":[{%s},{"above":%d,%s}],"max_output":4000}]}`,
		tier(f.short), f.above, tier(f.long), tier(f.shortLive), f.above, tier(f.longLive))))
	if err != nil {
		tb.Fatal(err)
	}
	return table
}

// billOf is what the provider wants for all that it has executed, at the fixed
// prices.
func billOf(w *durabletest.World) (units int64) {
	w.T.Helper()
	units, _ = fixed.bill(w)
	return units
}

// bill is what the provider wants for all that it has executed, and what the
// same costs live.
func (f *tariff) bill(w *durabletest.World) (units, live int64) {
	w.T.Helper()
	for e, err := range w.Server.Executions() {
		if err != nil {
			w.T.Fatal(err)
		}
		if !e.Billed() {
			continue
		}
		batch, single := f.short, f.shortLive
		if e.InputTokens > f.above {
			batch, single = f.long, f.longLive
		}
		cost := func(r rates) int64 {
			return (e.InputTokens-e.CachedTokens)*r.in + e.CachedTokens*r.cached + e.OutputTokens*r.out
		}
		units, live = units+cost(batch), live+cost(single)
	}
	return units, live
}

// varied answers with as many tokens as a hash of the request says, sometimes
// from a cache.
func varied(r simulator.Row) simulator.Reply {
	h := fnv.New64a()
	h.Write(r.Body)
	n := h.Sum64()
	reply := simulator.Reply{Text: "an answer", InputTokens: int64(1 + n%90), OutputTokens: int64(1 + n/64%200)}
	if n%3 == 0 {
		reply.CachedTokens = reply.InputTokens / 2
	}
	return reply
}

// budgetJob is a job whose rows cost what the test prices say.
func budgetJob(w *durabletest.World) durable.Job[durabletest.Ticket] {
	job := unguarded(w.BriskJob())
	job.Prices = testPrices(w.T)
	return job
}

func journalOf(w *durabletest.World) (lines []jobdir.Line) {
	w.T.Helper()
	root, err := os.OpenRoot(w.JobDir())
	if err != nil {
		w.T.Fatal(err)
	}
	defer root.Close()
	if err := journal.Read(root, jobdir.JournalFile, "", func(record []byte) error {
		l, err := jobdir.DecodeLine(record)
		lines = append(lines, l)
		return err
	}); err != nil {
		w.T.Fatal(err)
	}
	return lines
}

// withLimit bounds the answers to a prompt.
func withLimit(prompt func(durabletest.Ticket) (llm.Chat, error), tokens int) func(durabletest.Ticket) (llm.Chat, error) {
	return func(t durabletest.Ticket) (llm.Chat, error) {
		chat, err := prompt(t)
		chat.MaxTokens = tokens
		return chat, err
	}
}

// rarely finds the answers to some tickets wrong.
func rarely(key string, _ llm.Reply) error {
	if strings.HasSuffix(key, "7") {
		return errors.New("not this one")
	}
	return nil
}
