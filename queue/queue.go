package queue

import "sync"

// Queue is a bounded priority queue of T. Make one with [By] or [New]; its
// methods may be called from any number of goroutines.
//
// A Config that makes no sense is reported by the first Push, Pop or Run.
type Queue[T any] struct {
	cfg    Config
	policy Policy[T]
	items  gate          // something to pop
	room   gate          // something may be pushed
	ended  chan struct{} // closed by Close
	nudged chan struct{} // tells Run that others changed the queue

	mu      sync.Mutex
	closed  bool
	err     error // what is wrong with cfg or with the use of Index
	order   order[T]
	index   *index[T] // nil without Index
	leased  int       // items that Run has on offer
	kept    int       // room kept for items whose push or change is being stored
	running bool
}

// By returns a queue in which the most urgent item leaves first: the one with
// the greatest priority, or the earliest deadline. It is short for
// New(Strict(of), cfg).
func By[T any, U Urgency](of func(T) U, cfg Config) *Queue[T] {
	return New(Strict(of), cfg)
}

// New returns a queue with the given policy.
func New[T any](policy Policy[T], cfg Config) *Queue[T] {
	cfg = cfg.withDefaults()
	q := &Queue[T]{
		cfg:    cfg,
		policy: policy,
		err:    cfg.validate(),
		items:  newGate(),
		room:   newGate(),
		ended:  make(chan struct{}),
		nudged: make(chan struct{}, 1),
	}
	if q.err != nil {
		q.cfg = Config{}.withDefaults() // nothing gets in
	}
	q.order = policy.order(q.cfg)
	return q
}

// Len is the number of items that wait. O(1).
func (q *Queue[T]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held()
}

// held counts the items inside, those that are not in order included.
func (q *Queue[T]) held() int {
	return q.order.len() + q.leased + q.kept
}

// Close ends the queue: Push fails with [ErrClosed], also one that waits for
// room, and Pop returns what is left and then ErrClosed. Closing again does
// nothing.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.ended)
	}
}
