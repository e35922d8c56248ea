package flow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// A Pipeline owns the goroutines of its stages. Make one with [New], add stages
// with [From], [Via], [To] and their kin, then call [Pipeline.Wait], always: it
// is what waits for the goroutines.
//
// A stage runs from the moment it is added, and waits for a reader. Add stages
// before Wait is called, from one goroutine.
type Pipeline struct {
	inputs  context.Context // done: sources stop, and with them the stream ends
	stages  context.Context // done: every stage stops
	group   *errgroup.Group
	drain   sync.WaitGroup
	graph   graph
	metered bool
	wraps   []Middleware

	mu      sync.Mutex
	failure *StageError // of the first stage that failed by itself
	stopped error       // why a stage was stopped from outside
}

// An Option sets up a [Pipeline].
type Option func(*settings)

type settings struct {
	drain time.Duration
	stats bool
	wraps []Middleware
}

// WithDrain gives the stages d to finish when the context of [New] is
// cancelled: sources stop at once, what they have sent goes on to its end, and
// what still runs after d is aborted. Zero, as without the option, aborts at
// once. A stage that fails aborts the others at once in any case.
func WithDrain(d time.Duration) Option { return func(s *settings) { s.drain = d } }

// New makes an empty pipeline. Cancelling ctx aborts it, or drains it: see
// [WithDrain].
func New(ctx context.Context, opts ...Option) *Pipeline {
	var s settings
	for _, set := range opts {
		set(&s)
	}
	p := &Pipeline{graph: newGraph(), metered: s.stats, wraps: s.wraps}
	if s.drain <= 0 {
		p.group, p.stages = errgroup.WithContext(ctx)
		p.inputs = p.stages
		return p
	}
	life, abort := context.WithCancelCause(context.WithoutCancel(ctx))
	p.group, p.stages = errgroup.WithContext(life)
	inputs, stop := context.WithCancelCause(p.stages)
	p.inputs = inputs
	p.drain.Go(func() { p.watch(ctx, s.drain, stop, abort) })
	return p
}

// watch turns the end of the caller's context into a stop of the sources and,
// after the drain period, of everything. It ends with the stages: their context
// is done once Wait has seen them all return.
func (p *Pipeline) watch(caller context.Context, drain time.Duration, stop, abort context.CancelCauseFunc) {
	defer abort(nil)
	select {
	case <-caller.Done():
	case <-p.stages.Done():
		return
	}
	stop(context.Cause(caller))
	timer := time.NewTimer(drain)
	defer timer.Stop()
	select {
	case <-timer.C:
		abort(context.Cause(caller))
	case <-p.stages.Done():
	}
}

// Wait waits until every stage has returned. It returns nil when every item
// went all the way, and otherwise
//
//   - a [*StageError] when a stage failed, which aborted the others;
//   - the cause of the cancellation when the context of [New] cut the stream
//     short, joined with the StageError of a stage that failed while it
//     stopped.
func (p *Pipeline) Wait() error {
	if p.group == nil {
		return errZeroPipeline
	}
	_ = p.group.Wait() // fail has kept what matters
	p.drain.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.stopped == nil && p.failure == nil:
		return nil
	case p.stopped == nil:
		return p.failure
	case p.failure == nil:
		return fmt.Errorf("flow: stopped: %w", p.stopped)
	default:
		return fmt.Errorf("flow: stopped: %w", errors.Join(p.stopped, p.failure))
	}
}

// errZeroPipeline is the error of a Pipeline that New has not made, and what a
// stage that is added to one panics with.
var errZeroPipeline = errors.New("flow: a zero Pipeline: make it with New")

// run runs a stage, or what it needs besides, in a goroutine. ctx is what f
// obeys: it tells a stop from a failure.
func (p *Pipeline) run(ctx context.Context, stage string, f func(context.Context) error) {
	p.group.Go(func() error {
		if err := f(ctx); err != nil {
			return p.fail(ctx, stage, err)
		}
		return nil
	})
}

// fail records err and returns what shall abort the other stages: the first
// failure, or nothing when err only says that the stage was stopped.
func (p *Pipeline) fail(ctx context.Context, stage string, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := new(stageError); errors.As(err, &b) {
		stage, err = b.stage, b.error
	}
	cause := context.Cause(ctx)
	stopped := cause != nil && (errors.Is(err, cause) || errors.Is(err, ctx.Err())) // whatever a function makes of its ctx
	if !stopped {
		if p.failure == nil {
			p.failure = &StageError{Stage: stage, Err: err}
		}
		return p.failure
	}
	if p.failure == nil || !errors.Is(cause, p.failure) {
		p.stopped = cause
	}
	return nil
}
