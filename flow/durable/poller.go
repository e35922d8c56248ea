package durable

import (
	"context"
	"sync"
	"time"

	"github.com/balerhq/baler/internal/indexheap"
	"github.com/balerhq/baler/ratelimit"
)

// poller gives the drivers of open batches their turns to poll, in the order in
// which they are due. The limit bounds their rate and how many poll at a time.
// A single goroutine, that of run, grants the turns.
type poller struct {
	limit *ratelimit.Limiter
	wake  chan struct{} // another turn may be the first

	mu    sync.Mutex
	turns indexheap.Heap[*turn]
}

func newPoller(limit ratelimit.Config) (*poller, error) {
	l, err := ratelimit.NewLimiter(limit)
	return &poller{limit: l, wake: make(chan struct{}, 1)}, err
}

// wait returns when the time is due and it is the caller's turn. The caller
// must call done after the poll and before any other wait.
func (p *poller) wait(ctx context.Context, due time.Time) error {
	t := &turn{due: due, granted: make(chan struct{})}
	p.add(t)
	select {
	case <-t.granted:
		return nil
	case <-ctx.Done():
	}
	if !p.remove(t) {
		p.done()
	}
	return context.Cause(ctx)
}

// turnCost is the cost of a turn.
func turnCost() ratelimit.Cost { return ratelimit.Cost{Requests: 1, Slots: 1} }

func (p *poller) done() { p.limit.Settle(turnCost(), ratelimit.Cost{Requests: 1}) }

// run hands out turns until ctx is done.
func (p *poller) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait, some := p.next()
		switch {
		case !some:
			timer.Stop()
		case wait > 0:
			timer.Reset(wait)
		default:
			if p.limit.Wait(ctx, turnCost()) != nil {
				return
			}
			p.grant()
			continue
		}
		select {
		case <-timer.C:
		case <-p.wake:
		case <-ctx.Done():
			return
		}
	}
}

// next returns how long it is until the first turn is due, if there is one.
func (p *poller) next() (wait time.Duration, some bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.turns.Len() == 0 {
		return 0, false
	}
	return time.Until(p.turns.First().due), true
}

// grant gives the acquired cost to the first turn, or gives it back to the
// limit if no turn is due any more.
func (p *poller) grant() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.turns.Len() == 0 || time.Until(p.turns.First().due) > 0 {
		p.limit.Settle(turnCost(), ratelimit.Cost{})
		return
	}
	close(p.turns.Pop().granted)
}

func (p *poller) add(t *turn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.turns.Push(t) {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
}

// remove takes back a turn, unless it was granted.
func (p *poller) remove(t *turn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !t.InHeap() {
		return false
	}
	p.turns.Remove(t)
	return true
}

// start runs the poller and returns a function that stops it.
func (p *poller) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { p.run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}
