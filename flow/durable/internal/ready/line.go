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
// level does not have. If tenants have a limit, an entry that would leave while
// its tenant is at it is withheld, so that it is in nobody's way. The caller
// has a lock.
type line struct {
	Order
	waiting *queue.Queue[Waiter]
	tenants map[string]*tenant        // those of which something is on its way or withheld
	open    map[string]map[string]int // by tag: entries of each tenant in the batch
}

// tenant is what counts for the limit of a tenant.
type tenant struct {
	out      int                  // on their way
	withheld *queue.Queue[Waiter] // nil if nothing was
}

func newLine(o Order) *line {
	o.Config.Capacity = math.MaxInt
	return &line{Order: o, waiting: queue.New(o.Policy, o.Config), tenants: make(map[string]*tenant), open: make(map[string]map[string]int)}
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
	if l.Limit > 0 {
		if t := l.tenants[l.Tenant(w.Target())]; t != nil && t.out >= l.Limit {
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
		if w, err = l.waiting.Pop(always); err != nil || l.Limit == 0 {
			return w, err == nil, err
		}
		t := l.tenantOf(l.Tenant(w.Target()))
		if t.out < l.Limit {
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
	if l.Limit > 0 {
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

// release makes room for other entries of the tenants of a batch.
func (l *line) release(tag string) error {
	for name, n := range l.open[tag] {
		t := l.tenantOf(name)
		t.out = max(0, t.out-n)
		if err := l.readmit(t); err != nil {
			return err
		}
		if t.out == 0 && (t.withheld == nil || t.withheld.Len() == 0) {
			delete(l.tenants, name)
		}
	}
	delete(l.open, tag)
	return nil
}

// readmit lets as many of the withheld entries of a tenant wait again as it has
// room for: those that would leave first.
func (l *line) readmit(t *tenant) error {
	for range l.Limit - t.out {
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
