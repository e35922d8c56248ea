package queue

import (
	"sync"

	"github.com/balerhq/baler/queue/internal/order"
)

// Queue is a bounded priority queue of T. Make one with [By] or [New]; the zero
// Queue is one of the zero [Policy] and the zero [Config]. Its methods may be
// called from any number of goroutines.
//
// A Config that makes no sense is reported by the first Push, Pop or Run.
type Queue[T any] struct {
	cfg     Config
	policy  Policy[T]
	items   gate          // an item may be popped
	room    gate          // an item may be pushed
	ended   chan struct{} // closed by Close
	changed chan struct{} // tells Run that others changed the queue

	mu       sync.Mutex
	closed   bool
	err      error          // a fault in cfg or in the use of Index
	order    order.Order[T] // nil until the first use of a zero Queue
	index    *index[T]      // nil without Index
	offered  int            // items that Run has on offer
	reserved int            // room for items whose push or change is being stored
	running  bool
}

// By returns a queue in which the most urgent item leaves first: the one with
// the greatest priority, or the earliest deadline. It is short for
// New(Strict(of), cfg).
func By[T any, U Urgency](of func(T) U, cfg Config) *Queue[T] {
	return New(Strict(of), cfg)
}

// New returns a queue with the given policy.
func New[T any](policy Policy[T], cfg Config) *Queue[T] {
	q := new(Queue[T])
	q.init(policy, cfg)
	return q
}

func (q *Queue[T]) init(policy Policy[T], cfg Config) {
	q.cfg, q.policy = cfg.withDefaults(), policy.withDefaults()
	if q.err = q.cfg.validate(); q.err != nil {
		q.cfg = Config{}.withDefaults() // nothing gets in
	}
	q.items, q.room = newGate(), newGate()
	q.ended, q.changed = make(chan struct{}), make(chan struct{}, 1)
	q.order = q.policy.order(q.cfg)
}

// lock takes the lock. It makes a zero Queue ready.
func (q *Queue[T]) lock() {
	q.mu.Lock()
	if q.order == nil {
		q.init(Policy[T]{}, Config{})
	}
}

// Len returns the number of items that wait. O(1).
func (q *Queue[T]) Len() int {
	q.lock()
	defer q.mu.Unlock()
	return q.occupied()
}

// Stats is what a queue holds now.
type Stats struct {
	Queued   int // items that wait
	Capacity int // items that may wait, as far as the Config says so
}

// Stats returns what the queue holds. O(1).
func (q *Queue[T]) Stats() Stats {
	q.lock()
	defer q.mu.Unlock()
	return Stats{Queued: q.occupied(), Capacity: q.cfg.Capacity}
}

// String names the stage in errors and graphs.
func (q *Queue[T]) String() string { return "queue" }

// occupied counts the items inside, including those on offer and the reserved
// room.
func (q *Queue[T]) occupied() int {
	return q.order.Len() + q.offered + q.reserved
}

// Close ends the queue. Push fails with [ErrClosed] from now on, also a Push
// that waits for room. Pop returns the items that are left and then ErrClosed.
// Closing again does nothing.
func (q *Queue[T]) Close() {
	q.lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.ended)
	}
}
