package durable

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/ready"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/journal"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/ratelimit"
)

// engine runs one job. Its goroutines are the reader of the source, the
// ingester, the stages of a round and one driver per open batch; they meet in
// the store, in ready and in tally.
type engine struct {
	config
	*desk
	jobdir.Dir
	requests *segment.Log
	journal  *journal.Journal

	lanes  *lanes
	ready  *ready.Log
	tally  tally
	source jobdir.Record[jobdir.SourceState]
	outbox jobdir.Record[jobdir.OutputState]

	digester *digester
	cache    *cache

	surprises surprises
	failures  failures
	kept      kept
	accounts  accounts
	notices   notices
	stall     stall
	paced     paced

	replayed  replayed
	owners    *owners
	open      []intent.Intent // found at the start
	drivers   *errgroup.Group
	polls     *poller
	vigils    vigils
	evidences evidences
	rest      *rest
	limiter   *ratelimit.Limiter
	throttles *throttles
	slots     chan struct{} // one per open batch
	creating  chan struct{} // one creation at a time: it keeps an unclear one unambiguous
	heavy     chan struct{} // uploads and downloads at a time
	settling  sync.Mutex    // one batch at a time hands on its results or frees its rows: it has the outbox
	changed   chan struct{} // something that await looks at
}

const (
	segmentSize    = 64 << 20
	createDeadline = time.Minute
)

// signal wakes await and load.
func (e *engine) signal() {
	select {
	case e.changed <- struct{}{}:
	default:
	}
}

func (e *engine) ended() bool   { return e.tally.progress().Read }
func (e *engine) inFlight() int { return e.tally.progress().InFlight }

func (e *engine) finished() bool {
	p := e.tally.progress()
	return p.Read && p.Settled() == p.Rows
}

func (e *engine) close() error {
	if err := e.abandon(); err != nil {
		return fmt.Errorf("durable: close: %w", err)
	}
	return nil
}

// acquire takes a place in a semaphore.
func acquire(ctx context.Context, semaphore chan struct{}) error {
	select {
	case semaphore <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// sleep waits for d, or returns errCancelled when the run is cancelled while it
// waits.
func (e *engine) sleep(ctx context.Context, d time.Duration) error {
	wanted, stop := e.gate.noticing(ctx)
	defer stop()
	return sleep(wanted, d)
}

// awaitTurn waits until it is due to look at a batch, or returns errCancelled when
// the run is cancelled while it waits.
func (e *engine) awaitTurn(ctx context.Context, due time.Time) (done func(), err error) {
	wanted, stop := e.gate.noticing(ctx)
	defer stop()
	return e.polls.wait(wanted, due)
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
