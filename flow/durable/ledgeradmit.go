package durable

import (
	"context"
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink/llm/price"
)

// worthBuying is how small a part of a budget a batch may be that is cut
// because no more is left: one part in so many.
const worthBuying = 100

// admission is what the budget allows of the rows for a batch.
type admission struct {
	take, rest []jobdir.Entry      // the first of them, and those that do not fit beside these
	aside      []jobdir.Entry      // those of tenants whose budget allows no more
	whole      price.Money         // of take
	shares     []jobdir.TenantCost // of the whole, by target
	next       price.Money         // of the first of rest
	today      bool                // it is the budget of the day that they do not fit into
	route      int
	open       bool // batches are open that may yet make room
	moved      <-chan struct{}
	version    int // of the ledger that said so
}

// admit reserves what the rows of a batch may cost. It returns those that the
// batch may have, which are none if all are set aside, and the rest. If too few
// of them fit, it waits until open batches have cost less than they have
// reserved, or for the next day; aside runs the wait. If none of that helps,
// nothing more is bought, and it returns errBlocked.
func (l *ledger) admit(ctx context.Context, tag string, rows []jobdir.Entry, aside func(wait func() error) error) (take, rest []jobdir.Entry, err error) {
	waits := false
	for {
		a, err := l.try(tag, rows)
		if err != nil {
			return nil, nil, err
		}
		if a.moved == nil {
			if waits {
				l.notices.clear(NoticeBudget, "")
			}
			l.publish()
			return a.take, a.rest, nil
		}
		if !a.open && (!a.today || a.next > l.prices.budget.PerDay) { // what is open was bought, or is yet to be
			if err := l.exhaust(&a); err != nil {
				return nil, nil, err
			}
			continue
		}
		if !waits {
			waits = true
			l.tell(ctx, &a)
		}
		if err := aside(func() error { return l.awaitMove(ctx, &a) }); err != nil {
			return nil, nil, err
		}
	}
}

// try reserves what the rows may cost that are taken. If too few of them fit
// for now, moved is set, and nothing is reserved.
func (l *ledger) try(tag string, rows []jobdir.Entry) (a admission, err error) {
	route := l.batches.routes.get(int(rows[0].Route))
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.newEstimate(route, l.seen[int(rows[0].Route)])
	if err := e.mustBeBounded(rows, route); err != nil {
		return a, err
	}
	a.route, a.open = int(rows[0].Route), l.mayMakeRoom()
	l.divide(&a, &e, rows)
	enough := len(a.rest) == 0 || len(a.take) >= len(a.rest) || !a.open && len(a.take) > 0 && a.whole >= l.bound(&a)/worthBuying
	if !enough {
		a.moved, a.version = l.moved, l.version
		return a, nil
	}
	l.aside.add(a.aside, l.version)
	if len(a.take) > 0 {
		l.hold(tag, &a)
	}
	return a, nil
}

// bound returns the budget that the rest does not fit into. The caller holds
// mu.
func (l *ledger) bound(a *admission) price.Money {
	if a.today {
		return l.prices.budget.PerDay
	}
	return l.total()
}

// divide divides rows into those that the budget allows and those that it does
// not. It copies rows only if some are set aside. The caller holds mu.
func (l *ledger) divide(a *admission, e *estimate, rows []jobdir.Entry) {
	b := &l.prices.budget
	left, leftToday := price.MaxMoney, price.MaxMoney
	if total := l.total(); total > 0 {
		left = total - l.settled.Add(l.reserved())
	}
	if b.PerDay > 0 {
		today := b.dayOf(time.Now())
		leftToday = b.PerDay - l.days[today].Add(l.reservedOn(today))
	}
	tenants := l.newPurses()
	a.take = rows
	for i := range rows {
		row := &rows[i]
		m := e.reserve(row)
		sum := a.whole.Add(m)
		if sum > left || sum > leftToday {
			a.rest, a.next, a.today = rows[i:], m, sum <= left
			if len(a.aside) == 0 {
				a.take = rows[:i]
			}
			break
		}
		switch {
		case !tenants.take(row.Target, m):
			if len(a.aside) == 0 {
				a.take = append(make([]jobdir.Entry, 0, len(rows)), rows[:i]...)
			}
			a.aside = append(a.aside, *row)
			continue
		case len(a.aside) > 0:
			a.take = append(a.take, *row)
		}
		a.whole = sum
	}
	a.shares = tenants.shares()
}

// hold notes a reservation. The caller holds mu.
func (l *ledger) hold(tag string, a *admission) {
	r := &reservation{day: l.prices.budget.dayOf(time.Now()), route: a.route, whole: a.whole, left: a.whole, shares: a.shares}
	if len(a.shares) > 0 {
		r.tenants = make(map[string]price.Money)
	}
	for _, share := range a.shares {
		r.tenants[l.batches.tenant(share.Target)] += share.Cost
	}
	l.held[tag] = r
}

// awaitMove waits until there may be more room.
func (l *ledger) awaitMove(ctx context.Context, a *admission) error {
	tomorrow := time.NewTimer(time.Until(l.prices.budget.nextDay(time.Now())))
	defer tomorrow.Stop()
	select {
	case <-a.moved:
	case <-tomorrow.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// tell says why a batch waits.
func (l *ledger) tell(ctx context.Context, a *admission) {
	s := l.spending()
	n := Notice{
		Kind: NoticeBudget, Text: fmt.Sprintf("the next batch waits: of the budget of %s, %s is spent and %s is reserved", s.Budget, s.Cost.Round(6), s.Reserved.Round(6)),
		Advice: "it goes on when open batches have cost less than they have reserved; if none do, the run ends and says so",
	}
	if a.today {
		n.Next = l.prices.budget.nextDay(time.Now())
		n.Text = fmt.Sprintf("the next batch waits: of the budget of %s for a day, %s is spent or reserved", s.DayBudget, s.Today.Round(6))
		n.Advice = "it goes on when the next day begins, or when open batches have cost less than they have reserved"
	}
	l.notices.raise(ctx, n)
}

// exhaust ends the buying for good, because nothing more fits into the budget.
// It does nothing if there may be more room by now.
func (l *ledger) exhaust(a *admission) error {
	p := l.progress.now()
	l.mu.Lock()
	if a.version != l.version {
		l.mu.Unlock()
		return nil
	}
	err := &BudgetError{Budget: l.bound(a), Settled: l.settled, Reserved: l.reserved(), Next: a.whole.Add(a.next), Rows: p.Rows - p.Settled(), Today: a.today}
	if a.today {
		today := l.prices.budget.dayOf(time.Now())
		err.Settled, err.Reserved, err.Next = l.days[today], l.reservedOn(today), a.next
	}
	l.over = err
	l.mu.Unlock()
	l.gate.block(err)
	return errBlocked
}

// cause returns why the budget has ended the run, nil if it has not.
func (l *ledger) cause() error {
	p := l.progress.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over != nil {
		return l.over
	}
	if names := l.aside.tenants(l.batches.tenant); len(names) > 0 {
		return &BudgetError{Budget: l.prices.budget.PerTenant, Settled: l.settled, Reserved: l.reserved(), Tenants: someTenants(names), Rows: p.Rows - p.Settled()}
	}
	return nil
}
