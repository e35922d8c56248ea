package router

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/internal/mailbox"
)

// keyRoute is the route of one key: a queue, and a stage that is fed from it
// while there is something to do.
type keyRoute[In any] struct {
	key    string
	max    int
	wake   chan struct{} // of capacity 1: there are items
	leave  chan struct{} // of capacity 1: another key needs the place
	room   chan struct{} // of capacity 1: a queue was full and is not any more, or a place can be had
	sought *atomic.Bool  // a place is, so that room is to be told of one
	queued *atomic.Int64 // in all routes
	latest *list.Element // its place among the routes, by their latest items

	mu    sync.Mutex
	queue []In
	idle  bool // there is nothing to send
}

// put adds an item if there is room, and otherwise returns how many wait.
func (r *keyRoute[In]) put(item In) (full int) {
	r.mu.Lock()
	n := len(r.queue)
	if n >= r.max {
		r.mu.Unlock()
		return n
	}
	r.queue, r.idle = append(r.queue, item), false
	r.mu.Unlock()
	r.queued.Add(1)
	if n == 0 {
		notify(r.wake)
	}
	return 0
}

// take returns the first items of the queue.
func (r *keyRoute[In]) take() []In {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.queue), mailbox.MaxSlice)
	if n == 0 {
		r.idle = true
		if r.sought.Load() {
			notify(r.room)
		}
		return nil
	}
	if len(r.queue) >= r.max {
		notify(r.room)
	}
	items := r.queue[:n:n]
	if r.queue = r.queue[n:]; len(r.queue) == 0 {
		r.queue = nil
	}
	r.queued.Add(-int64(n))
	return items
}

// waiting returns how many items wait.
func (r *keyRoute[In]) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.queue)
}

func (r *keyRoute[In]) isIdle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.idle
}

// feed sends what comes on in until nothing has come for a while or another key
// needs the place, or, after the end of all input, nothing is left.
func (r *keyRoute[In]) feed(ctx context.Context, in chan<- []In, idle time.Duration, ended <-chan struct{}) error {
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for last := false; ; {
		for items := r.take(); len(items) > 0; items = r.take() {
			if err := flow.Send(ctx, in, items); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
		timer.Reset(idle)
		select {
		case <-r.wake:
		case <-timer.C:
			return nil
		case <-r.leave:
			return nil
		case <-ended:
			last = true // what came before the end is there
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func notify(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default: // it has been told
	}
}
