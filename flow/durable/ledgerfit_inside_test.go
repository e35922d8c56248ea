package durable

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

// A batch that is not bought when the budget is used up is left to the next
// run, without another look at the gate.
func TestABatchIsLeftOnceNothingMoreIsBought(t *testing.T) {
	t.Parallel()
	l := ledgerOf(Budget{})
	l.rooms = newRooms()
	d := &driver{config: l.config, gate: newGate(), resting: l.resting, ledger: l, changed: make(wakeup, 1), batches: l.batches}
	l.batches.deadlines = newDeadlines(nil)
	d.gate.block(errors.New("the budget is used up"))
	for n, state := range []intent.State{intent.Sealed, intent.Uploaded} {
		if _, err := d.step(t.Context(), intent.Intent{Tag: "tag", State: state}); !errors.Is(err, errLeft) || l.resting.parked() != n+1 {
			t.Errorf("%s: %v", state, err)
		}
	}
}

// A batch that is about to be sealed may yet make room in the budget.
func TestAReservationIsOpenBeforeItsBatchIs(t *testing.T) {
	t.Parallel()
	l := ledgerOf(Budget{Total: price.USD})
	rows := rowsOf(4, func(int) int { return 4000 })
	a, err := l.try("one", rows)
	if err != nil || a.open || len(a.take) != 4 {
		t.Fatalf("%+v, %v", a, err)
	}
	if a, _ = l.try("two", rows); !a.open {
		t.Errorf("%+v", a)
	}
	l.opened("one")
	l.opened("two")
	if a, _ = l.try("three", rows); a.open { // no batch is in flight: they were settled
		t.Errorf("%+v", a)
	}
}

// The options of a route may ask for several choices, each of which has as many
// tokens as the limit says.
func TestChoicesOfARouteAreReserved(t *testing.T) {
	t.Parallel()
	l := ledgerOf(Budget{Total: price.USD, WorstCase: true})
	rows := rowsOf(1, func(int) int { return 4000 })
	for options, want := range map[string]int{
		``: 2000, `{"n":4}`: 8000, `{"n":4,"max_tokens":100}`: 8000, `{"n":0}`: 2000, `{"n":"4"}`: 2000,
	} {
		route := l.batches.routes.get(0)
		route.Options = options
		e := l.newEstimate(route, jobdir.RouteState{})
		used := llm.Usage{Input: 4000 + len(options) + worstOverhead, Output: want}
		if got, guess := e.reserve(&rows[0]), e.usage(&rows[0]).Output; got != e.tier(0).Cost(used) || guess != want {
			t.Errorf("%s: %s, and %d tokens are expected", options, got, guess)
		}
	}
	rows[0].MaxOutput = 0
	route := l.batches.routes.get(0)
	route.Options = `{"n":4,"max_completion_tokens":100}`
	if e := l.newEstimate(route, jobdir.RouteState{}); e.limit(&rows[0]) != 400 || e.usage(&rows[0]).Output != 400 {
		t.Errorf("%+v", e)
	}
}

// A row that fits into no day says so, with the figures of the day.
func TestARowBeyondTheBudgetOfADay(t *testing.T) {
	t.Parallel()
	l := ledgerOf(Budget{Total: price.USD, PerDay: price.Cent / 1000})
	l.gate, l.settled = newGate(), 50*price.Cent
	_, _, err := l.admit(t.Context(), "tag", rowsOf(1, func(int) int { return 4000 }), nil)
	over, _ := errors.AsType[*BudgetError](l.cause())
	if !errors.Is(err, errBlocked) || over == nil {
		t.Fatalf("%v, %v", err, l.cause())
	}
	if !over.Today || over.Settled != 0 || over.Budget != price.Cent/1000 || over.Missing() != over.Next-over.Budget ||
		!strings.Contains(over.Error(), "for a day") || !strings.Contains(over.Error(), "--day-budget") {
		t.Errorf("%+v: %v", over, over)
	}
}

// Rows are divided in their order: those of tenants that have nothing left are
// set aside, and the first one beyond a limit begins the rest.
func TestRowsAreDividedAsTheBudgetsAllow(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	for range 300 {
		amount := func() price.Money { return price.Money(r.IntN(60)) * price.Cent / 10 }
		total, tenant := amount(), amount()
		l := ledgerOf(Budget{Total: total, PerTenant: tenant})
		rows := rowsOf(20, func(int) int { return 100 + r.IntN(4000) })
		for i := range rows {
			rows[i].Target = uint16(r.IntN(2)) //nolint:gosec // 0 or 1
		}
		e, kept := l.newEstimate(l.batches.routes.get(0), jobdir.RouteState{}), slices.Clone(rows)
		var got admission
		l.divide(&got, &e, rows)

		var keys [3][]string // taken, set aside, and the rest
		var spent [2]price.Money
		sum := price.Money(0)
		for i := range kept {
			m, target := e.reserve(&kept[i]), kept[i].Target
			switch {
			case len(keys[2]) > 0 || total > 0 && sum+m > total:
				keys[2] = append(keys[2], kept[i].Key)
			case tenant > 0 && spent[target]+m > tenant:
				keys[1] = append(keys[1], kept[i].Key)
			default:
				keys[0] = append(keys[0], kept[i].Key)
				sum, spent[target] = sum+m, spent[target]+m
			}
		}
		for i, entries := range [][]jobdir.Entry{got.take, got.aside, got.rest} {
			var have []string
			for j := range entries {
				have = append(have, entries[j].Key)
			}
			if !slices.Equal(have, keys[i]) {
				t.Fatalf("%s, %s a tenant: %d is %v, want %v", total, tenant, i, have, keys[i])
			}
		}
		for _, share := range got.shares {
			sum, spent[share.Target] = sum-share.Cost, spent[share.Target]-share.Cost
		}
		if tenant > 0 && (sum != 0 || spent != [2]price.Money{}) {
			t.Fatalf("%+v: %s, %v is in no share", got.shares, sum, spent)
		}
	}
}

// A budget that is raised once a batch was found not to fit, and before that ends
// the run, lets the run go on.
func TestABudgetThatIsRaisedAtTheLastMomentCounts(t *testing.T) {
	t.Parallel()
	l := ledgerOf(Budget{Total: price.Cent / 1000})
	l.gate, l.notices = newGate(), &notices{config: l.config}
	rows := rowsOf(1, func(int) int { return 4000 })
	a, err := l.try("tag", rows)
	if err != nil || a.moved == nil || a.open {
		t.Fatalf("%+v, %v", a, err)
	}
	l.setBudget(price.USD)
	if err := l.exhaust(&a); err != nil || !l.gate.running() || l.cause() != nil {
		t.Errorf("%v, %v", err, l.cause())
	}
	if take, rest, err := l.admit(t.Context(), "tag", rows, nil); err != nil || len(take) != 1 || len(rest) > 0 {
		t.Errorf("%d rows, %d left, %v", len(take), len(rest), err)
	}
}

// What is lacking includes the rows that fit, if they are too few for a batch.
func TestABudgetLacksWhatABatchNeeds(t *testing.T) {
	t.Parallel()
	l := ledgerOf(Budget{Total: price.USD})
	rows := rowsOf(3, func(int) int { return 4000 })
	e := l.newEstimate(l.batches.routes.get(0), jobdir.RouteState{})
	each := e.reserve(&rows[0])
	l.gate, l.settled = newGate(), price.USD-each-each/2
	_, _, err := l.admit(t.Context(), "tag", rows, nil)
	over, _ := errors.AsType[*BudgetError](l.cause())
	if !errors.Is(err, errBlocked) || over == nil || over.Next != 2*each || over.Missing() != each-each/2 {
		t.Errorf("%v, %+v, %s each", err, over, each)
	}
}

// What was reserved on one day counts no more on the next.
func TestAReservationIsOutdatedTheNextDay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for perDay, want := range map[price.Money]bool{0: false, price.USD: true} {
			l := ledgerOf(Budget{PerDay: perDay})
			if _, err := l.try("tag", rowsOf(1, func(int) int { return 100 })); err != nil || l.outdated("tag") {
				t.Fatal(err)
			}
			if time.Sleep(24 * time.Hour); l.outdated("tag") != want {
				t.Errorf("%s: %t", perDay, !want)
			}
		}
	})
}

// The next day is after each time of a year, and another day, also where clocks
// are put forward at midnight.
func TestTheNextDayIsLater(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"America/Santiago", "Africa/Cairo", "Asia/Beirut", "Europe/Berlin", "UTC"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		b := Budget{Zone: zone}
		for at := time.Date(2026, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() == 2026; at = at.Add(time.Hour) {
			if next := b.nextDay(at); !next.After(at) || b.dayOf(next) <= b.dayOf(at) || b.dayOf(next.Add(-time.Second)) != b.dayOf(at) {
				t.Fatalf("%s: the day after %s begins at %s", name, at.In(zone), next)
			}
		}
	}
}

// A batch that waits for room in the budget looks again when another one is
// parked, which makes none.
func TestAParkedBatchWakesTheLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := ledgerOf(Budget{})
		l.resting.moved = l.wake
		f := &fetcher{gate: newGate(), resting: l.resting, decisions: newDecisions(nil)}
		v := new(evidence)
		v.Next = time.Now().Add(time.Minute)
		moved := l.moved
		go func() { _ = f.awaitDownload(t.Context(), intent.Intent{Tag: "tag", Undecided: true}, v) }()
		synctest.Wait()
		select {
		case <-moved:
		default:
			t.Error("nobody is told")
		}
		time.Sleep(2 * time.Minute)
	})
}

// An answer that another row has paid for costs the row nothing, also when it
// is asked again.
func TestASharedAnswerIsNotPaidForAgain(t *testing.T) {
	t.Parallel()
	l := ledgerOf(Budget{})
	c := &chunk{s: &settler{config: l.config, ledger: l}, row: rowsOf(1, func(int) int { return 4000 })[0]}
	c.cost.priced = l.prices.ofRoute(l.batches.routes.get(0))
	c.retry(0, true)
	used := llm.Usage{Input: 1000, Output: 100}
	if c.spendAgain(&jobdir.Outcome{Origin: "other", Shared: true}, &used); c.spent.Cost != 0 || c.cost.sum.Cost != 0 || c.retries[0].Paid() != 0 {
		t.Errorf("%+v", c.spent)
	}
	if c.spendAgain(new(jobdir.Outcome), &used); c.spent.Cost == 0 || c.retries[0].Paid() != c.spent.Cost {
		t.Errorf("%+v", c.spent)
	}
}
