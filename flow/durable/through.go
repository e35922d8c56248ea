package durable

import (
	"context"
	"errors"
	"iter"

	"github.com/balerhq/baler/flow"
)

// Through returns a source of what a stage makes of the items of another
// source: flow.Filter, a stage of flow/dedup or flow/join, or several of them,
// see flow.Compose. A stage holds items back, so it cannot resume: a job that
// is run again begins the source anew, and recognizes the items that it has by
// their keys. So the keys must not depend on the order, and the stage must not
// remember across runs what it has let through.
//
// The items of another Feed are not acknowledged.
func Through[In, Out any](in Source[In], stage flow.Stage[In, Out]) Feed[Out] {
	name, _ := in.Position() // now, as another goroutine reads it later
	return &through[In, Out]{in: in, stage: stage, name: name, ctx: context.Background()}
}

type through[In, Out any] struct {
	in    Source[In]
	stage flow.Stage[In, Out]
	ctx   context.Context //nolint:containedctx // of Items, which takes none
	name  string
	n     int // items that were yielded
}

// Begin implements Feed.
func (t *through[In, Out]) Begin(ctx context.Context) { t.ctx = ctx }

// Items implements Source.
func (t *through[In, Out]) Items() iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		ctx, stop := context.WithCancel(t.ctx)
		defer stop()
		t.n = 0
		if feed, ok := t.in.(Feed[In]); ok {
			feed.Begin(ctx)
		}
		p := flow.New(ctx)
		for item := range flow.Chan(p, flow.Via(p, flow.FromSeq2(p, t.in.Items()), t.stage)) {
			t.n++
			if !yield(item, nil) {
				stop()
				_ = p.Wait() // it was stopped
				return
			}
		}
		if err := p.Wait(); err != nil {
			var none Out
			yield(none, cause(err))
		}
	}
}

// cause returns the error of a source as the source has it.
func cause(err error) error {
	if stage, ok := errors.AsType[*flow.StageError](err); ok {
		return stage.Err
	}
	return err
}

// Position implements Source.
func (t *through[In, Out]) Position() (name string, line int) { return t.name, t.n }

// Checkpoint implements Source. There is none.
func (t *through[In, Out]) Checkpoint() string { return "" }

// Resume implements Source.
func (t *through[In, Out]) Resume(string) error {
	return errors.New("durable: a stage cannot resume")
}

// Kept implements Feed.
func (t *through[In, Out]) Kept(int) error { return nil }
