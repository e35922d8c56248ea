package durable_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/journal"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

var budgetRuns = flag.Int("budget.runs", 2, "random runs with a budget, of half a second each on a quiet machine")

// Prices of the tests, in units of a dollar to the minus twelfth. The bill of
// the tests is added up from them with no code of package price.
const (
	shortIn, shortCached, shortOut = 2_000_000, 200_000, 9_000_000
	longIn, longCached, longOut    = 3_500_000, 350_000, 13_000_000
	longAbove                      = 50
)

// testPrices are the same in a file.
func testPrices(tb testing.TB) *price.Table {
	tb.Helper()
	table, err := price.Read(strings.NewReader(`{"as_of":"2026-11","models":[{"provider":"openai","model":"gpt-test",
		"batch":[{"input":2,"cached":0.2,"output":9},{"above":50,"input":3.5,"cached":0.35,"output":13}],
		"live":[{"input":4,"cached":0.4,"output":18},{"above":50,"input":7,"cached":0.7,"output":26}],"max_output":4000}]}`))
	if err != nil {
		tb.Fatal(err)
	}
	return table
}

// billOf is what the provider wants for all that it has executed.
func billOf(w *durabletest.World) (units int64) {
	w.T.Helper()
	for e, err := range w.Server.Executions() {
		switch {
		case err != nil:
			w.T.Fatal(err)
		case !e.Billed():
		case e.InputTokens > longAbove:
			units += (e.InputTokens-e.CachedTokens)*longIn + e.CachedTokens*longCached + e.OutputTokens*longOut
		default:
			units += (e.InputTokens-e.CachedTokens)*shortIn + e.CachedTokens*shortCached + e.OutputTokens*shortOut
		}
	}
	return units
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

// checkSeals follows a journal and fails if a batch was sealed although a limit
// did not allow it. It returns how many were sealed before a budget ended the
// run.
func checkSeals(w *durabletest.World, budget *durable.Budget, limit func(line int) price.Money) {
	w.T.Helper()
	type batch struct {
		reserved, spent price.Money
		tenants         map[int]price.Money
		open            bool
	}
	tenantLimit := budget.PerTenant // which was lower before
	open, chunks, tenants := make(map[string]*batch), make(map[string]price.Money), make(map[int]price.Money)
	settled := price.Money(0)
	for i, l := range journalOf(w) {
		switch {
		case l.Intent != nil && l.Intent.Rev == 1:
			b := &batch{reserved: price.Money(l.Intent.Reserved), tenants: make(map[int]price.Money), open: true}
			for _, share := range l.Shares {
				b.tenants[share.Target] = share.Cost
			}
			open[l.Intent.Tag] = b
			sum, byTenant := settled, make(map[int]price.Money)
			maps.Copy(byTenant, tenants)
			for _, b := range open {
				if b.open {
					sum += max(0, b.reserved-b.spent)
					for target, cost := range b.tenants {
						byTenant[target] += max(0, cost)
					}
				}
			}
			if most := limit(i); most > 0 && sum > most {
				w.T.Errorf("line %d: %s is settled and reserved, of %s", i, sum, most)
			}
			for target, cost := range byTenant {
				if tenantLimit > 0 && cost > tenantLimit {
					w.T.Errorf("line %d: %s is settled and reserved for tenant %d, of %s", i, cost, target, tenantLimit)
				}
			}
		case l.Intent != nil && open[l.Intent.Tag] != nil:
			b := open[l.Intent.Tag]
			b.open = l.Intent.State != intent.Committed && !l.Intent.Done()
		case l.Settled != nil:
			s := l.Settled
			id := fmt.Sprint(s.Tag, s.From)
			if _, again := chunks[id]; again {
				continue // it is settled once more, after a crash
			}
			chunks[id] = s.Cost
			settled += s.Cost
			b := open[s.Tag]
			b.spent += s.Cost
			for _, t := range s.Tenants {
				tenants[t.Target] += t.Cost
				b.tenants[t.Target] -= t.Cost
			}
		}
	}
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

// Random jobs with random budgets, answers and failures are stopped anywhere,
// lose their index, and have their budgets raised. No batch is sealed beyond a
// budget, and in the end the ledger is the provider's bill.
func TestABudgetIsKeptAndTheLedgerIsTheBill(t *testing.T) {
	t.Parallel()
	for seed := range *budgetRuns {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			randomBudgetRun(t, rand.New(rand.NewPCG(uint64(seed), 16))) //nolint:gosec // a test
		})
	}
}

func randomBudgetRun(t *testing.T, r *rand.Rand) {
	t.Helper()
	cfg := simulator.Config{
		Seed: r.Uint64(), Answer: varied, Latency: simulator.Latency{Processing: time.Duration(r.IntN(3)) * time.Hour},
		Rows: simulator.RowFaults{BadRequest: 0.1 * r.Float64(), ServerError: 0.3 * r.Float64(), RateLimited: 0.1 * r.Float64()},
	}
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		rows := 20 + r.IntN(80)
		w.Write("in.jsonl", durabletest.Tickets(rows)...)
		tenants := 1 + r.IntN(3)
		budget := durable.Budget{Total: price.Money(1+r.IntN(40)) * 1_000_000_000, WorstCase: r.IntN(3) > 0}
		if tenants > 1 && r.IntN(2) == 0 {
			budget.PerTenant = price.Money(1+r.IntN(10)) * 10_000_000_000
		}
		size, packs, reasks := 1+r.IntN(30), r.IntN(3), r.IntN(2) == 0
		type start struct {
			line  int
			limit price.Money
		}
		var starts []start
		rebuilt := false
		job := func() durable.Job[durabletest.Ticket] {
			job := budgetJob(w)
			job.Batch.MaxItems, job.Budget = size, budget
			job.Pack.MaxItems = packs
			prompt := job.Prompt
			job.Prompt = withLimit(prompt, 250)
			if reasks {
				job.Check = rarely
			}
			job.Tenant = func(t durabletest.Ticket) string {
				return fmt.Sprint("tenant ", len(t.Text)%tenants+int(t.ID[len(t.ID)-1])%tenants)
			}
			return job
		}
		for n := 0; ; n++ {
			ctx, cancel := context.WithCancelCause(w.T.Context())
			var seen atomic.Int64
			stop := int64(1 + r.IntN(60))
			if n > 30 {
				stop = 1 << 40
			}
			w.Log.OnMessage(func(message string) {
				if message == "batch" && seen.Add(1) > stop {
					cancel(durabletest.ErrEnough)
				}
			})
			at := 0
			if n > 0 {
				at = len(journalOf(w))
			}
			starts = append(starts, start{at, budget.Total})
			report, err := w.Run(ctx, job())
			cancel(nil)
			var spent *durable.BudgetError
			switch {
			case report.Finished:
				checkLedger(w, report, rows, rebuilt)
				checkSeals(w, &budget, func(line int) (limit price.Money) {
					for _, s := range starts {
						if line >= s.line {
							limit = s.limit
						}
					}
					return limit
				})
				return
			case errors.As(err, &spent):
				if spent.Missing() <= 0 && len(spent.Tenants) == 0 || spent.Rows == 0 {
					w.T.Errorf("%+v", spent)
				}
				budget.Total += budget.Total/2 + price.Cent
				if budget.PerTenant > 0 {
					budget.PerTenant *= 2
				}
			case !errors.Is(err, durabletest.ErrEnough):
				w.T.Fatalf("start %d: %v, %+v", n, err, report.Progress)
			}
			if r.IntN(4) == 0 {
				w.LoseIndex()
				w.Rebuild()
				rebuilt = true
			}
		}
	})
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

// checkLedger compares what a run says it has cost with the provider's bill and
// with its results.
func checkLedger(w *durabletest.World, report durable.Report, rows int, rebuilt bool) {
	w.T.Helper()
	bill := price.Money(billOf(w))
	s := report.Spending
	if s.Cost != bill || s.Reserved != 0 || s.List != 2*bill || bill == 0 {
		w.T.Errorf("the ledger says %+v, and the bill %s", s, bill)
	}
	results, byRoute, byTenant := price.Money(0), price.Money(0), price.Money(0)
	got := w.Results()
	for _, r := range got {
		if r.Cost == nil {
			w.T.Fatalf("%s: no cost", r.ID)
		}
		results += *r.Cost
	}
	for _, r := range report.Routes {
		byRoute += r.Cost
	}
	for _, tenant := range report.Tenants {
		byTenant += tenant.Cost
	}
	if len(got) != rows || results > bill || results != bill && !rebuilt || byRoute != bill || byTenant != bill {
		w.T.Errorf("%d results cost %s, routes %s, tenants %s, and the bill is %s", len(got), results, byRoute, byTenant, bill)
	}
}
