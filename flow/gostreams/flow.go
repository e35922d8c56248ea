package gostreams

import (
	"context"

	"github.com/reugn/go-streams"

	"github.com/balerhq/baler/flow"
)

// Flow is a stage as a streams.Flow. Make one with [NewFlow].
type Flow struct {
	in, out chan any
	ended   outcome
}

var _ streams.Flow = (*Flow)(nil)

// NewFlow starts stage as a go-streams Flow. It takes items of type In and
// slices of them, which is an order of magnitude faster, and sends items of
// type Out. At the end of its input everything that it took has gone out.
//
// When ctx is done, an item has another type, or the stage fails, the Flow
// closes its outlet, and [Flow.Err] tells why.
func NewFlow[In, Out any](ctx context.Context, stage flow.Stage[In, Out]) *Flow {
	f := &Flow{in: make(chan any, inlet), out: make(chan any, outlet), ended: newOutcome()}
	p := flow.New(ctx)
	items := flow.FromFunc(p, reader[In](f.in), flow.Name("inlet"))
	made := flow.Via(p, items, stage)
	flow.Discard(p, flow.Via(p, made, leave[Out](f.out), flow.Name("outlet")))
	go f.run(p)
	return f
}

// leave is a stage that ends in an untyped channel. It leaves closing it to
// run, which knows the error by then.
func leave[T any](ch chan<- any) flow.Stage[T, struct{}] {
	return flow.StageFunc[T, struct{}](func(ctx context.Context, in <-chan []T, _ chan<- []struct{}) error {
		for items := range flow.Slices(ctx, in) {
			if err := write(ctx, ch, items); err != nil {
				return err
			}
		}
		return context.Cause(ctx)
	})
}

// run lives as long as somebody may write to the inlet.
func (f *Flow) run(p *flow.Pipeline) {
	f.ended.await(p)
	close(f.out)
	discard(f.in)
}

// Err returns why the Flow ended, nil when everything went out. It is final
// when the outlet is closed, and nil before.
func (f *Flow) Err() error { return f.ended.get() }

// In returns the inlet, to be closed by whoever writes it.
func (f *Flow) In() chan<- any { return f.in }

// Out returns the outlet. It must be read to its end.
func (f *Flow) Out() <-chan any { return f.out }

// Via connects the outlet to next and returns next.
func (f *Flow) Via(next streams.Flow) streams.Flow {
	go f.transmit(next)
	return next
}

// To connects the outlet to sink and waits until sink has handled everything.
func (f *Flow) To(sink streams.Sink) {
	f.transmit(sink)
	sink.AwaitCompletion()
}

func (f *Flow) transmit(to streams.Inlet) {
	defer close(to.In())
	for item := range f.out {
		to.In() <- item
	}
}
