package durable

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/ready"
	"github.com/balerhq/baler/queue"
)

// QueueOrder says which of the items that wait for a batch leaves next.
type QueueOrder string

// The orders of a Queue, which are those of package queue. The zero QueueOrder
// is QueueStrict.
const (
	// QueueStrict lets the most urgent item leave first: the one with the
	// greatest Job.Priority or the earliest Job.Deadline. With both, those with
	// a deadline leave first, and the others by their priority. A constant stream of
	// urgent items keeps the others waiting for good.
	QueueStrict QueueOrder = "strict"
	// QueueAged gives each level of Job.Priority a head start in time, so that
	// every item leaves in the end. By Job.Deadline, an item without one is due
	// Queue.Aging after it was read.
	QueueAged QueueOrder = "aged"
	// QueueFair shares each level among the tenants that have items in it, by
	// Queue.Weights and the estimated tokens of requests. By Job.Deadline, the
	// levels are critical in the last 24 hours, high in the last 72, and normal
	// before.
	QueueFair QueueOrder = "fair"
)

// Queue says how the items of a job wait for a batch. All that waits on disk is
// in the order, not only what is in memory. By deadline, aged, fair, or with a
// limit of tenants, each item takes about 100 bytes of memory while it waits. Equals
// leave in the order in which they were read.
type Queue struct {
	// Order is the order in which items leave. Zero means QueueStrict.
	Order QueueOrder
	// Aging is the head start of a level under QueueAged, to the second. It
	// counts from when an item was read in this order; an item that was read
	// before, in another, counts as the oldest. Zero means an hour.
	Aging time.Duration
	// Weights is the share of each tenant under QueueFair, at least 1. A
	// missing tenant has weight 1.
	Weights map[string]int
	// TenantLimit is how many items of a tenant may be on their way: chosen for
	// a batch, or in one that is not done. A tenant at its limit holds up no
	// other, and its share is not saved up for it. Zero means any number.
	TenantLimit int
	// TenantBatches is how many batches that are not done may have items of a
	// tenant. A tenant at its limit holds up no other: its items wait, and those
	// of others leave without them. With SeparateTenants each batch counts for
	// one tenant alone. Equals that had to wait may leave a batch later than
	// others of their tenant. Zero means any number.
	TenantBatches int
	// SeparateTenants makes batches of one tenant each.
	SeparateTenants bool
}

// longestAging bounds what a head start may be.
const longestAging = 366 * 24 * time.Hour

func (j *Job[T]) validateQueue() error {
	q := &j.Queue
	switch q.Order {
	case "", QueueStrict, QueueAged, QueueFair:
	default:
		return fmt.Errorf("durable: Job.Queue.Order is %q: must be %q, %q or %q", string(q.Order), QueueStrict, QueueAged, QueueFair)
	}
	switch {
	case j.Priority != nil && j.Deadline != nil && q.Order != "" && q.Order != QueueStrict:
		return fmt.Errorf("durable: Job.Priority and Job.Deadline are both set: items leave by one of them in the order %q", string(q.Order))
	case q.Aging < 0 || q.Aging > longestAging:
		return fmt.Errorf("durable: Job.Queue.Aging is %v: must be between 0 and %v", q.Aging, longestAging)
	case q.Aging > 0 && q.Order != QueueAged:
		return fmt.Errorf("durable: Job.Queue.Aging is for the order %q", QueueAged)
	case len(q.Weights) > 0 && q.Order != QueueFair:
		return fmt.Errorf("durable: Job.Queue.Weights are for the order %q", QueueFair)
	case q.TenantLimit < 0:
		return fmt.Errorf("durable: Job.Queue.TenantLimit is %d: must not be negative", q.TenantLimit)
	case q.TenantBatches < 0:
		return fmt.Errorf("durable: Job.Queue.TenantBatches is %d: must not be negative", q.TenantBatches)
	case j.Tenant == nil && (q.Order == QueueFair || q.TenantLimit > 0 || q.TenantBatches > 0 || q.SeparateTenants):
		return errors.New("durable: Job.Tenant is missing: Job.Queue shares among tenants")
	}
	for tenant, weight := range q.Weights {
		if weight < 1 {
			return fmt.Errorf("durable: Job.Queue.Weights[%q] is %d: must be at least 1", tenant, weight)
		}
	}
	return nil
}

// line is the order of what waits in a job.
type line struct {
	Queue
	byDeadline bool
	byPriority bool
}

func (j *Job[T]) line() line {
	return line{Queue: j.Queue, byDeadline: j.Deadline != nil, byPriority: j.Priority != nil}
}

// sorted reports whether it is another order than that of the levels.
func (l line) sorted() bool {
	return l.byDeadline || l.Order == QueueAged || l.Order == QueueFair || l.TenantLimit > 0 || l.TenantBatches > 0
}

// batchRows is how many rows a batch has at most, about, if nothing says so.
const batchRows = 50_000

// order returns the order as the ready log keeps it. A batch has these many
// rows at most, zero if that is not known.
func (l line) order(rows int, tenantOf func(target int) string) ready.Order {
	return ready.Order{
		Policy: l.policy(func(w ready.Waiter) string { return tenantOf(w.Target()) }),
		Config: queue.Config{Weights: l.Weights}, Tenant: tenantOf, Limit: l.TenantLimit,
		Batches: l.TenantBatches, BatchRows: cmp.Or(rows, batchRows),
	}
}

// policy returns the policy of the line. That of queue.Aged is queue.Strict by
// when an item is due, since the age of an item does not begin anew with each
// process.
func (l line) policy(tenant func(ready.Waiter) string) queue.Policy[ready.Waiter] {
	switch {
	case l.Order == QueueFair && l.byDeadline:
		return queue.Fair(ready.Waiter.Deadline, tenant, ready.Waiter.Tokens)
	case l.Order == QueueFair:
		return queue.Fair(ready.Waiter.Priority, tenant, ready.Waiter.Tokens)
	case l.Order == QueueAged:
		return queue.Strict(l.due)
	case l.byDeadline && l.byPriority:
		return queue.Strict(dueOrUrgent)
	case l.byDeadline:
		return queue.Strict(ready.Waiter.Deadline)
	}
	return queue.Strict(ready.Waiter.Priority)
}

// dueOrUrgent returns when an item is due: one without a deadline after all
// that have one, by its priority.
func dueOrUrgent(w ready.Waiter) time.Time {
	if d := w.Deadline(); !d.IsZero() {
		return d
	}
	return jobdir.TimeOf(math.MaxUint32).Add(time.Hour - time.Duration(w.Priority())*time.Second)
}

// due returns when an item is due that ages.
func (l line) due(w ready.Waiter) time.Time {
	aging := l.Aging
	if aging == 0 {
		aging = time.Hour
	}
	if !l.byDeadline {
		return w.Since().Add(-time.Duration(w.Priority()) * aging)
	}
	if d := w.Deadline(); !d.IsZero() {
		return d
	}
	return w.Since().Add(aging)
}

// place sets what an item's place in the line depends on, beside its level.
func (r *reader[T]) place(item T, out *row) {
	if r.job.Deadline != nil {
		out.deadline = jobdir.SecondsOf(r.job.Deadline(item))
	}
	if r.job.Queue.Order == QueueAged {
		out.since = jobdir.SecondsOf(time.Now())
	}
}

// tenant returns whose item a target is of.
func (b *batches) tenant(target int) string { return b.targets.get(target).Tenant }

// batchKey returns the key of an entry by which rows are made into batches. A
// batch that may be cancelled for the deadlines of its rows has no others.
func (b *batches) batchKey(e jobdir.Entry) string {
	key := e.RouteKey()
	if b.escalation > 0 && e.Deadline != 0 {
		key += " due"
	}
	if b.queue.SeparateTenants {
		key += " " + b.tenant(int(e.Target))
	}
	return key
}
