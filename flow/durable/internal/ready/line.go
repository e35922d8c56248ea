package ready

import (
	"context"
	"math"
	"time"

	"github.com/balerhq/baler/queue"
)

// always is the context of queues that nobody waits for.
var always = context.Background()

// line holds the entries that wait, in memory, in an order that a log for each
// level does not have. If tenants have limits, an entry that would leave while
// its tenant is at one is withheld, so that it is in nobody's way. The caller
// has a lock.
type line struct {
	Order
	waiting *queue.Queue[Waiter]
	tenants map[string]*tenant        // those of which something is on its way or withheld
	open    map[string]map[string]int // by tag: entries of each tenant in the batch
	counted map[string][]string       // by tag: tenants for whose Batches the batch counts
}

// tenant is what counts for the limits of a tenant.
type tenant struct {
	out      int                  // entries on their way
	batches  int                  // that are open
	withheld *queue.Queue[Waiter] // nil if nothing was
}

func newLine(o Order) *line {
	o.Config.Capacity = math.MaxInt
	return &line{Order: o, waiting: queue.New(o.Policy, o.Config), tenants: make(map[string]*tenant), open: make(map[string]map[string]int), counted: make(map[string][]string)}
}

// limited reports whether tenants have a limit.
func (l *line) limited() bool { return l.Limit > 0 || l.Batches > 0 }

// full reports whether a tenant is at a limit.
func (l *line) full(t *tenant) bool {
	return l.Limit > 0 && t.out >= l.Limit || l.Batches > 0 && t.batches >= l.Batches
}

func (l *line) tenantOf(name string) *tenant {
	t := l.tenants[name]
	if t == nil {
		t = new(tenant)
		l.tenants[name] = t
	}
	return t
}

// push adds an entry.
func (l *line) push(w Waiter) error {
	if l.limited() {
		if t := l.tenants[l.Tenant(w.Target())]; t != nil && l.full(t) {
			return l.withhold(t, w)
		}
	}
	return l.waiting.Push(always, w)
}

func (l *line) withhold(t *tenant, w Waiter) error {
	if t.withheld == nil {
		t.withheld = queue.New(l.Policy, l.Config)
	}
	return t.withheld.Push(always, w)
}

// any reports whether there may be an entry that leaves.
func (l *line) any() bool { return l.waiting.Len() > 0 }

// next takes the entry that leaves next, if there is one.
func (l *line) next() (w Waiter, ok bool, err error) {
	for l.any() {
		if w, err = l.waiting.Pop(always); err != nil || !l.limited() {
			return w, err == nil, err
		}
		t := l.tenantOf(l.Tenant(w.Target()))
		if !l.full(t) {
			t.out++
			return w, true, nil
		}
		if err := l.withhold(t, w); err != nil {
			return w, false, err
		}
	}
	return w, false, nil
}

// nextDue does the same if that entry is due by then.
func (l *line) nextDue(by time.Time) (w Waiter, ok bool, err error) {
	if w, ok, err = l.next(); !ok || err != nil {
		return w, false, err
	}
	if w.deadline != 0 && !w.Deadline().After(by) {
		return w, true, nil
	}
	if l.limited() {
		l.tenantOf(l.Tenant(w.Target())).out--
	}
	return w, false, l.waiting.Push(always, w)
}

// hold notes of which tenants the entries of a batch are.
func (l *line) hold(tag string, targets []int) {
	counts := make(map[string]int)
	for _, n := range targets {
		counts[l.Tenant(n)]++
	}
	l.open[tag] = counts
}

// recovered counts the entries of a batch of an earlier process.
func (l *line) recovered(tag string) {
	for name, n := range l.open[tag] {
		l.tenantOf(name).out += n
	}
}

// split divides the tenants of targets into those that may have one batch more
// and those that may not.
func (l *line) split(targets []int) (below, full map[string]bool) {
	below, full = make(map[string]bool), make(map[string]bool)
	for _, n := range targets {
		if name := l.Tenant(n); l.Batches > 0 && l.tenantOf(name).batches >= l.Batches {
			full[name] = true
		} else {
			below[name] = true
		}
	}
	return below, full
}

// count counts an open batch for tenants.
func (l *line) count(tag string, tenants map[string]bool) {
	for name := range tenants {
		l.tenantOf(name).batches++
		l.counted[tag] = append(l.counted[tag], name)
	}
}

// giveBack withholds an entry that has left and may be in no batch for now.
func (l *line) giveBack(w Waiter) error {
	l.tenantOf(l.Tenant(w.Target())).out--
	return l.push(w)
}

// release makes room for other entries of the tenants of a batch.
func (l *line) release(tag string) error {
	touched := l.counted[tag]
	for _, name := range touched {
		l.tenantOf(name).batches--
	}
	for name, n := range l.open[tag] {
		t := l.tenantOf(name)
		t.out = max(0, t.out-n)
		touched = append(touched, name)
	}
	delete(l.counted, tag)
	delete(l.open, tag)
	for _, name := range touched {
		t := l.tenantOf(name)
		if err := l.readmit(t); err != nil {
			return err
		}
		if t.out == 0 && t.batches == 0 && (t.withheld == nil || t.withheld.Len() == 0) {
			delete(l.tenants, name)
		}
	}
	return nil
}

// readmit lets as many of the withheld entries of a tenant wait again as it has
// room for: those that would leave first. For one batch more, these are as many
// as a batch may have.
func (l *line) readmit(t *tenant) error {
	room := math.MaxInt
	if l.Limit > 0 {
		room = l.Limit - t.out
	}
	if l.Batches > 0 {
		room = min(room, max(0, l.Batches-t.batches)*l.BatchRows)
	}
	for range room {
		if t.withheld == nil || t.withheld.Len() == 0 {
			return nil
		}
		w, err := t.withheld.Pop(always)
		if err == nil {
			err = l.waiting.Push(always, w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
