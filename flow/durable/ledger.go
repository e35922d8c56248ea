package durable

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink/llm/price"
)

// ledger knows what a job has spent and what its open batches have reserved. It
// is in memory and follows from the records of batches: a reservation is part
// of an intent, and what was spent is part of its progress. So neither is lost
// with a process.
type ledger struct {
	*config
	*jobdir.Dir
	gate     *gate
	notices  *notices
	progress *progress
	resting  *restingDrivers
	batches  *batches

	mu      sync.Mutex
	settled price.Money
	waste   price.Money // of that, for surplus batches
	tenants map[string]jobdir.Amount
	days    map[string]price.Money
	held    map[string]*reservation // by tag
	seen    map[int]jobdir.RouteState
	moved   chan struct{} // closed when something was settled or released
	version int           // grows with it
	over    error         // nothing more fits into the budget
	instead price.Money   // counts in the place of Budget.Total, if not zero

	aside aside
}

// reservation is what an open batch may yet cost.
type reservation struct {
	day     string
	route   int
	whole   price.Money // as it was sealed
	left    price.Money
	spent   price.Money
	tenants map[string]price.Money // of what is left
	shares  []jobdir.TenantCost    // of the whole, by target
	open    bool                   // its batch counts in Progress.InFlight
}

func newLedger() *ledger {
	return &ledger{
		tenants: make(map[string]jobdir.Amount), days: make(map[string]price.Money), held: make(map[string]*reservation),
		seen: make(map[int]jobdir.RouteState), moved: make(chan struct{}),
	}
}

// recover finds out what was spent and what is reserved.
func (l *ledger) recover(ctx context.Context, replayed *jobdir.Replayed, output *jobdir.OutputState) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settled = output.Cost()
	maps.Copy(l.seen, output.Routes)
	for tag, in := range replayed.Intents {
		done, err := l.ProgressOf(ctx, l.store, tag)
		if err != nil {
			return err
		}
		byTarget, err := l.TenantCosts(ctx, l.store, tag)
		if err != nil {
			return err
		}
		waste := price.Money(in.Waste)
		l.waste, l.settled = l.waste.Add(waste), l.settled.Add(waste)
		l.days[in.Day] = l.days[in.Day].Add(done.Cost).Add(waste)
		for target, cost := range byTarget {
			name := replayed.TargetOf(target).Tenant
			l.tenants[name] = l.tenants[name].Add(cost)
		}
		if in.Reserved == 0 && in.Batch != "" && !rowsSettled(in) {
			l.reserveBought(&in, replayed)
		}
		if in.Reserved > 0 && !in.Done() {
			l.held[tag] = l.recovered(in, replayed, done.Cost, byTarget)
		}
	}
	return nil
}

// recovered returns the reservation of an open batch. If it is not known how
// tenants share it, each of them has reserved all of it.
func (l *ledger) recovered(in intent.Intent, replayed *jobdir.Replayed, spent price.Money, byTarget map[int]jobdir.Amount) *reservation {
	r := &reservation{day: in.Day, route: in.Route, whole: price.Money(in.Reserved), spent: spent, shares: replayed.Shares[in.Tag], tenants: make(map[string]price.Money)}
	r.left, r.open = max(0, r.whole-spent), true
	if rowsSettled(in) || in.Abandoned {
		r.left = 0
	} else if l.prices.budget.PerTenant > 0 {
		for _, share := range r.shares {
			r.tenants[replayed.TargetOf(share.Target).Tenant] += share.Cost
		}
		for target, cost := range byTarget {
			name := replayed.TargetOf(target).Tenant
			r.tenants[name] = max(0, r.tenants[name]-cost.Cost)
		}
		if len(r.shares) == 0 {
			entries, _ := l.Entries(in.Tag, in.Rows) // a damaged manifest is found by what reads all of it
			for i := range entries {
				r.tenants[replayed.TargetOf(int(entries[i].Target)).Tenant] = r.left
			}
		}
	}
	r.left = r.left.Add(r.whole.Times(reservedTwice(in)))
	return r
}

// reserveBought reserves what a batch may cost that was bought without a
// reservation, because it was adopted. What it has cost is not asked of the
// budget.
func (l *ledger) reserveBought(in *intent.Intent, replayed *jobdir.Replayed) {
	e := l.newEstimate(l.batches.routes.get(in.Route), l.seen[in.Route])
	if !e.priced.known {
		return
	}
	entries, _ := l.Entries(in.Tag, in.Rows) // a damaged manifest is found by what reads all of it
	whole, shares := e.share(entries)
	in.Reserved = int64(whole)
	for _, target := range slices.Sorted(maps.Keys(shares)) {
		replayed.Shares[in.Tag] = append(replayed.Shares[in.Tag], jobdir.TenantCost{Target: target, Amount: jobdir.Amount{Cost: shares[target]}})
	}
}

// reservedTwice returns how many surplus batches of an intent may yet cost what
// it has reserved. One of an abandoned batch counts as waste already.
func reservedTwice(in intent.Intent) int {
	if in.Abandoned {
		return max(0, len(in.Surplus)-1)
	}
	return len(in.Surplus)
}

// rowsSettled reports whether a batch costs nothing more, but for its surplus.
func rowsSettled(in intent.Intent) bool { return in.State == intent.Committed || in.Done() }

// reserved returns what all open batches may yet cost. The caller holds mu.
func (l *ledger) reserved() (total price.Money) {
	for _, r := range l.held {
		total = total.Add(r.left)
	}
	return total
}

// reservedOn returns what those batches may yet cost that were sealed on a day.
// The caller holds mu.
func (l *ledger) reservedOn(day string) (total price.Money) {
	for _, r := range l.held {
		if r.day == day {
			total = total.Add(r.left)
		}
	}
	return total
}

// reservedFor returns what rows of a tenant in open batches may yet cost. The
// caller holds mu.
func (l *ledger) reservedFor(tenant string) (total price.Money) {
	for _, r := range l.held {
		total = total.Add(r.tenants[tenant])
	}
	return total
}

// estimateOf returns the estimate of a route.
func (l *ledger) estimateOf(route int) estimate {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.newEstimate(l.batches.routes.get(route), l.seen[route])
}

// opened notes that a batch is sealed and counts in Progress.InFlight.
func (l *ledger) opened(tag string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.held[tag]; r != nil {
		r.open = true
	}
}

// mayMakeRoom reports whether batches are open, or about to be, that may cost
// less than they have reserved. The caller holds mu.
func (l *ledger) mayMakeRoom() bool {
	if l.progress.inFlight() > l.resting.parked() {
		return true
	}
	for _, r := range l.held {
		if !r.open {
			return true
		}
	}
	return false
}

// fill completes the intent of a batch that is about to be sealed. It returns
// how tenants share what is reserved.
func (l *ledger) fill(in *intent.Intent) []jobdir.TenantCost {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.held[in.Tag]
	if r == nil {
		return nil
	}
	in.Reserved, in.Day = int64(r.whole), r.day
	return r.shares
}

// charge counts what rows of a batch have cost, which is recorded.
func (l *ledger) charge(in intent.Intent, costs jobdir.BatchCosts, route jobdir.RouteState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settled, l.days[in.Day] = l.settled.Add(costs.Cost), l.days[in.Day].Add(costs.Cost)
	l.seen[in.Route] = route
	r := l.held[in.Tag]
	if r != nil {
		r.left, r.spent = max(0, r.left-costs.Cost), r.spent.Add(costs.Cost)
	}
	for target, cost := range costs.ByTarget {
		name := l.batches.tenant(target)
		l.tenants[name] = l.tenants[name].Add(cost)
		if r != nil && r.tenants != nil {
			r.tenants[name] = max(0, r.tenants[name]-cost.Cost)
		}
	}
	l.stir()
}

// took notes that a batch has taken a step. Once its rows are settled or free,
// it gives back what is left of its reservation.
func (l *ledger) took(was, in intent.Intent) {
	waste := price.Money(in.Waste - was.Waste)
	surplus := reservedTwice(in) - reservedTwice(was)
	if waste == 0 && surplus == 0 && (rowsSettled(was) || !rowsSettled(in)) && !in.Done() {
		return
	}
	l.mu.Lock()
	l.settled, l.waste, l.days[in.Day] = l.settled.Add(waste), l.waste.Add(waste), l.days[in.Day].Add(waste)
	if r := l.held[in.Tag]; r != nil {
		if rowsSettled(in) && !rowsSettled(was) || in.Abandoned && !was.Abandoned {
			r.left, r.tenants = r.whole.Times(reservedTwice(was)), nil
		}
		r.left = r.left.Add(r.whole.Times(max(0, surplus)))
	}
	if in.Done() {
		delete(l.held, in.Tag)
	}
	l.stir()
	l.mu.Unlock()
	l.publish()
}

// release gives back what a batch has reserved that was not sealed.
func (l *ledger) release(tag string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, tag)
	l.stir()
}

// outdated reports whether what a batch has reserved counts for a day that is
// over, whose budget is not that of today.
func (l *ledger) outdated(tag string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, b := l.held[tag], &l.prices.budget
	return b.PerDay > 0 && r != nil && r.day != b.dayOf(time.Now())
}

// wake lets whoever waits for room look again.
func (l *ledger) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stir()
}

// stir does the same. The caller holds mu.
func (l *ledger) stir() {
	l.version++
	close(l.moved)
	l.moved = make(chan struct{})
}

// spending returns what is spent and reserved.
func (l *ledger) spending() Spending {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Spending{Cost: l.settled, List: l.waste, Waste: l.waste, Reserved: l.reserved(), Budget: l.total()}
	for _, r := range l.seen {
		s.List, s.Unpriced = s.List.Add(r.List), s.Unpriced+r.Unpriced
	}
	if day := l.prices.budget.PerDay; day > 0 {
		today := l.prices.budget.dayOf(time.Now())
		s.DayBudget, s.Today = day, l.days[today].Add(l.reservedOn(today))
	}
	return s
}

// publish takes the figures over into the progress.
func (l *ledger) publish() {
	s := l.spending()
	l.progress.update(func(p *Progress) { p.Spending = s })
}

// ofBatch returns what a batch has cost and what it has reserved beside that.
func (l *ledger) ofBatch(tag string) (cost, reserved price.Money) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.held[tag]; r != nil {
		return r.spent, r.left
	}
	return 0, 0
}

// byTenant returns what the rows of each tenant have cost.
func (l *ledger) byTenant() map[string]jobdir.Amount {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.tenants)
}
