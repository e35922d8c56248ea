package gostreams

import (
	"context"

	"github.com/reugn/go-streams"

	"github.com/balerhq/baler/flow"
)

// Sink is the end of a pipeline as a streams.Sink. Make one with [NewSink].
type Sink struct {
	in    chan any
	ended outcome
}

var _ streams.Sink = (*Sink)(nil)

// NewSink starts a go-streams Sink that is a pipeline of its own: build adds
// the stages that read items, and ends them with flow.To or flow.Discard. The
// sink takes items of type T and slices of them.
//
//	sink := gostreams.NewSink(ctx, func(p *flow.Pipeline, rows <-chan []Row) {
//		flow.To(p, flow.Via(p, rows, batches), insert)
//	})
func NewSink[T any](ctx context.Context, build func(p *flow.Pipeline, items <-chan []T), opts ...flow.Option) *Sink {
	s := &Sink{in: make(chan any, inlet), ended: newOutcome()}
	p := flow.New(ctx, opts...)
	build(p, flow.FromFunc(p, reader[T](s.in), flow.Name("inlet")))
	go s.run(p)
	return s
}

// run lives as long as somebody may write to the inlet.
func (s *Sink) run(p *flow.Pipeline) {
	s.ended.await(p)
	discard(s.in)
}

// In returns the inlet, to be closed by whoever writes it.
func (s *Sink) In() chan<- any { return s.in }

// AwaitCompletion waits until the pipeline has delivered everything that the
// sink took, or failed: see [Sink.Err].
func (s *Sink) AwaitCompletion() { <-s.ended.done }

// Err returns why the sink ended, nil when everything was delivered. It is
// final after AwaitCompletion, and nil before.
func (s *Sink) Err() error { return s.ended.get() }
