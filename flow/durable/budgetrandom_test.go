package durable_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

var (
	budgetRuns = flag.Int("budget.runs", 6, "random runs with a budget")
	budgetFrom = flag.Int("budget.from", 0, "seed of the first of them")
)

// Random jobs with random prices, budgets, answers and failures are stopped
// anywhere, die while they deliver, lose their index, and have their budgets
// raised, between two starts or while they run. No batch is sealed beyond a
// budget, nothing is spent beyond one but what batches cost above their
// reservation, and in the end the ledger is the provider's bill.
func TestABudgetIsKeptAndTheLedgerIsTheBill(t *testing.T) {
	t.Parallel()
	for seed := *budgetFrom; seed < *budgetFrom+*budgetRuns; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(uint64(seed), 16)) //nolint:gosec // a test
			cfg := simulator.Config{
				Seed: r.Uint64(), Answer: varied, Latency: simulator.Latency{Processing: time.Duration(r.IntN(3)) * 30 * time.Second},
				Rows: simulator.RowFaults{BadRequest: 0.1 * r.Float64(), ServerError: 0.3 * r.Float64(), RateLimited: 0.1 * r.Float64()},
			}
			durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
				newRandomBudget(w, r).run()
			})
		})
	}
}

// randomBudget is a job with a random budget, that is started until it is
// finished.
type randomBudget struct {
	*durabletest.World

	rand          *rand.Rand
	tariff        tariff
	rows, tenants int
	job           durable.Job[durabletest.Ticket]
	limit         price.Money // that counts now: the job's, or one that was set
	limits        []limitsFrom
	rebuilt       bool
}

// limitsFrom are limits that count from a line of the journal on.
type limitsFrom struct {
	line           int
	total, tenants price.Money
}

func newRandomBudget(w *durabletest.World, r *rand.Rand) *randomBudget {
	b := &randomBudget{World: w, rand: r, rows: 4 + r.IntN(28), tenants: 1 + r.IntN(3), tariff: randomTariff(r)}
	w.Write("in.jsonl", durabletest.Tickets(b.rows)...)
	b.job = unguarded(w.BriskJob())
	b.job.Prices, b.job.Prompt = b.tariff.table(w.T), withLimit(b.job.Prompt, 250)
	b.job.Batch.MaxItems, b.job.Batch.MaxWait, b.job.Pack.MaxItems = 1+r.IntN(20), time.Minute, r.IntN(3)
	b.job.Poll = 15 * time.Second
	if r.IntN(2) == 0 {
		b.job.Check = rarely
	}
	b.job.Tenant = func(t durabletest.Ticket) string {
		return fmt.Sprint("tenant ", (len(t.Text)+int(t.ID[len(t.ID)-1]))%b.tenants)
	}
	row := price.Money(45*b.tariff.short.in + 100*b.tariff.long.out) // about
	b.job.Budget = durable.Budget{Total: row*price.Money(r.IntN(b.rows)) + 1, WorstCase: r.IntN(3) > 0}
	if b.tenants > 1 && r.IntN(2) == 0 {
		b.job.Budget.PerTenant = row*price.Money(r.IntN(b.rows)) + 1
	}
	b.limit = b.job.Budget.Total
	return b
}

// randomTariff has prices of all sizes, the higher ones above and live.
func randomTariff(r *rand.Rand) tariff {
	some := func(least rates) rates {
		more := func(n int64) int64 { return n + r.Int64N(1<<(10+r.IntN(15))) }
		return rates{more(least.in), more(least.cached), more(least.out)}
	}
	t := tariff{above: 10 + r.Int64N(90), short: some(rates{1, 1, 1})}
	t.long, t.shortLive = some(t.short), some(t.short)
	t.longLive = some(rates{max(t.long.in, t.shortLive.in), max(t.long.cached, t.shortLive.cached), max(t.long.out, t.shortLive.out)})
	return t
}

// run starts the job until it is finished.
func (b *randomBudget) run() {
	b.T.Helper()
	for n := 0; ; n++ {
		if n == 200 {
			b.T.Fatal("it does not end")
		}
		b.noteLimits()
		report, err := b.start(n < 30)
		spent, over := errors.AsType[*durable.BudgetError](err)
		switch {
		case report.Finished:
			b.checkLedger(report)
			b.checkSeals()
			return
		case over:
			if spent.Missing() <= 0 && len(spent.Tenants) == 0 || spent.Rows == 0 {
				b.T.Errorf("%+v", spent)
			}
			b.raise(spent)
		case !errors.Is(err, durabletest.ErrEnough) && !errors.Is(err, durabletest.ErrDied):
			b.T.Fatalf("start %d: %v, %+v", n, err, report.Progress)
		}
		if b.rand.IntN(8) == 0 {
			b.LoseIndex()
			b.Rebuild()
			b.rebuilt = true
		}
	}
}

// start runs the job until it is finished, the budget or a stop ends it, or the
// output dies.
func (b *randomBudget) start(mayStop bool) (durable.Report, error) {
	ctx, cancel := context.WithCancelCause(b.T.Context())
	defer cancel(nil)
	job, stop, chunks := b.job, int64(1<<40), 1<<40
	switch kind := b.rand.IntN(5); {
	case !mayStop:
	case kind == 0:
		stop = int64(b.rand.IntN(60))
	case kind == 1:
		chunks = b.rand.IntN(10)
	}
	torn, raises := b.rand.IntN(2) == 0, b.rand.IntN(3) == 0
	var seen atomic.Int64
	b.Log.OnMessage(func(message string) {
		if message == "batch" && seen.Add(1) > stop {
			cancel(durabletest.ErrEnough)
		}
	})
	job.Notify = func(n durable.Notice) {
		if n.Kind == durable.NoticeBudget && n.Tag == "" && raises {
			b.set(ctx, b.limit+b.limit/4)
		}
	}
	return b.With(ctx, job, func(ctx context.Context, job durable.Job[durabletest.Ticket]) (durable.Report, error) {
		job.Output = durabletest.Dying(job.Output, chunks, torn)
		return durable.Run(ctx, job)
	})
}

// set sets another budget while the job runs, or between two starts.
func (b *randomBudget) set(ctx context.Context, limit price.Money) {
	b.T.Helper()
	b.limit = limit
	b.noteLimits()
	if err := b.Attach().SetBudget(ctx, limit); err != nil && ctx.Err() == nil {
		b.T.Error(err)
	}
}

// raise raises what has ended the run, so that at least the next batch fits.
func (b *randomBudget) raise(spent *durable.BudgetError) {
	b.T.Helper()
	if len(spent.Tenants) > 0 {
		b.job.Budget.PerTenant = 2*b.job.Budget.PerTenant + spent.Missing()
		return
	}
	limit := b.limit + b.limit/2 + spent.Missing()
	if b.rand.IntN(2) == 0 {
		b.set(b.T.Context(), limit)
		return
	}
	b.limit, b.job.Budget.Total = limit, limit
}

// journalLines counts the lines of the journal.
func (b *randomBudget) journalLines() int {
	b.T.Helper()
	found, _ := filepath.Glob(b.Path("state/job-*/" + jobdir.JournalFile)) // none before the first start
	lines := 0
	for _, name := range found {
		text, err := os.ReadFile(name)
		if err != nil {
			b.T.Fatal(err)
		}
		lines += bytes.Count(text, []byte("\n"))
	}
	return lines
}

// noteLimits notes the limits before they count.
func (b *randomBudget) noteLimits() {
	b.T.Helper()
	b.limits = append(b.limits, limitsFrom{b.journalLines(), b.limit, b.job.Budget.PerTenant})
}

// limitsAt returns the limits that counted when a line of the journal was
// written.
func (b *randomBudget) limitsAt(line int) (found limitsFrom) {
	for _, l := range b.limits {
		if line >= l.line {
			found = l
		}
	}
	return found
}

// bought is a batch in the journal.
type bought struct {
	reserved, spent price.Money
	tenants         map[int]price.Money // what is left of it to each target
	open            bool
}

// excess is what the batch has cost beyond its reservation.
func (b *bought) excess() price.Money { return max(0, b.spent-b.reserved) }

// checkSeals follows the journal and fails if a batch was sealed although a
// limit did not allow it, or if more was spent than that and what batches have
// cost beyond their reservations, which is nothing if the worst case is reserved.
func (b *randomBudget) checkSeals() {
	b.T.Helper()
	batches, chunks, tenants := make(map[string]*bought), make(map[string]bool), make(map[int]price.Money)
	settled, excess := price.Money(0), price.Money(0)
	for i, l := range journalOf(b.World) {
		limits := b.limitsAt(i)
		switch {
		case l.Intent != nil && l.Intent.Rev == 1:
			batch := &bought{reserved: price.Money(l.Intent.Reserved), tenants: make(map[int]price.Money), open: true}
			for _, share := range l.Shares {
				batch.tenants[share.Target] = share.Cost
			}
			batches[l.Intent.Tag] = batch
			sum, byTenant := settled, maps.Clone(tenants)
			for _, batch := range batches {
				if !batch.open {
					continue
				}
				sum += max(0, batch.reserved-batch.spent)
				for target, left := range batch.tenants {
					byTenant[target] += max(0, left)
				}
			}
			if sum > limits.total {
				b.T.Errorf("line %d: %s is settled and reserved, of %s", i, sum, limits.total)
			}
			for _, share := range l.Shares {
				if cost := byTenant[share.Target]; limits.tenants > 0 && cost > limits.tenants {
					b.T.Errorf("line %d: %s is settled and reserved for tenant %d, of %s", i, cost, share.Target, limits.tenants)
				}
			}
		case l.Intent != nil && batches[l.Intent.Tag] != nil:
			batches[l.Intent.Tag].open = l.Intent.State != intent.Committed && !l.Intent.Done()
		case l.Settled != nil:
			s := l.Settled
			id := fmt.Sprint(s.Tag, s.From)
			if chunks[id] {
				continue // it is settled once more, after a crash
			}
			chunks[id] = true
			batch := batches[s.Tag]
			excess -= batch.excess()
			settled, batch.spent = settled+s.Cost, batch.spent+s.Cost
			excess += batch.excess()
			for _, t := range s.Tenants {
				tenants[t.Target] += t.Cost
				batch.tenants[t.Target] -= t.Cost
			}
			if settled > limits.total+excess {
				b.T.Errorf("line %d: %s is spent of %s, and %s of it beyond reservations", i, settled, limits.total, excess)
			}
			if excess > 0 && b.job.Budget.WorstCase {
				b.T.Errorf("line %d: the worst case of a batch was %s, and it has cost %s", i, batch.reserved, batch.spent)
			}
		}
	}
}

// checkLedger compares what the run says it has cost with the provider's bill and
// with its results.
func (b *randomBudget) checkLedger(report durable.Report) {
	b.T.Helper()
	units, live := b.tariff.bill(b.World)
	bill, s := price.Money(units), report.Spending
	if s.Cost != bill || s.Reserved != 0 || s.List != price.Money(live) || bill == 0 {
		b.T.Errorf("the ledger says %+v, and the bill %s, or %s live", s, bill, price.Money(live))
	}
	results, byRoute, byTenant, listed := price.Money(0), price.Money(0), price.Money(0), price.Money(0)
	got := b.Results()
	for _, r := range got {
		if r.Cost == nil {
			b.T.Fatalf("%s: no cost", r.ID)
		}
		results += *r.Cost
	}
	for _, r := range report.Routes {
		byRoute += r.Cost
	}
	for _, tenant := range report.Tenants {
		byTenant, listed = byTenant+tenant.Cost, listed+tenant.List
		if tenant.Saved != tenant.List-tenant.Cost {
			b.T.Errorf("%+v", tenant)
		}
	}
	if len(got) != b.rows || results > bill || results != bill && !b.rebuilt || byRoute != bill || byTenant != bill || listed != price.Money(live) {
		b.T.Errorf("%d results cost %s, routes %s, tenants %s, and the bill is %s", len(got), results, byRoute, byTenant, bill)
	}
}
