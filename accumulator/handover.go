package accumulator

import "sync"

// handover is where closed batches wait for a consumer. Its lock is not that of
// Add: a consumer never stops those who add.
type handover[T any] struct {
	mu          sync.Mutex
	first, last *slab[T]
	undelivered int       // batches, with those that consumers have
	epoch       *epoch    // of the next batch
	came        sync.Cond // a batch, or the end
	stopped     bool
}

func newHandover[T any]() *handover[T] {
	h := &handover[T]{epoch: newEpoch(1)}
	h.came.L = &h.mu
	return h
}

// push adds a closed batch, and returns how many are undelivered.
func (h *handover[T]) push(s *slab[T]) int {
	h.mu.Lock()
	if h.first == nil {
		h.first = s
	} else {
		h.last.next = s
	}
	h.last = s
	s.epoch = h.epoch
	h.epoch.left++
	h.undelivered++
	n := h.undelivered
	h.mu.Unlock()
	h.came.Signal()
	return n
}

// wait returns the next batch, or nil when the Accumulator has stopped, even if
// there are more. It needs the lock.
func (h *handover[T]) wait() *slab[T] {
	for h.first == nil && !h.stopped {
		h.came.Wait()
	}
	if h.stopped {
		return nil
	}
	return h.pop()
}

// tryNext returns a batch if there is one, even when the Accumulator has stopped.
func (h *handover[T]) tryNext() *slab[T] {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pop()
}

// pop needs the lock.
func (h *handover[T]) pop() *slab[T] {
	s := h.first
	if s == nil {
		return nil
	}
	h.first, s.next = s.next, nil
	if h.first == nil {
		h.last = nil // it would keep the items alive
	}
	return s
}

func (h *handover[T]) pending() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.undelivered
}

// seal ends the epoch of the batches pushed so far, and returns it.
func (h *handover[T]) seal() *epoch {
	h.mu.Lock()
	defer h.mu.Unlock()
	sealed := h.epoch
	h.epoch = sealed.seal()
	return sealed
}

// stop ends the waiting of all consumers.
func (h *handover[T]) stop() {
	h.mu.Lock()
	h.stopped = true
	h.mu.Unlock()
	h.came.Broadcast()
}
