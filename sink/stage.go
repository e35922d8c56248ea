package sink

import (
	"context"
	"errors"
	"sync"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/sink/llm"
)

// Stage is a pipeline stage that has batches of items answered by a provider,
// for programs that live as long as their batches. Its record is in memory: an
// aborted stage leaves its batches at the provider, where they run and are
// billed. Its log names them, and durable.Dir.Orphans lists them. What must
// survive that is a job for package flow/durable.
//
// Every item leaves as exactly one [Result], in the order in which the provider
// settles them. A failed item is data. One has failed, too, if its answer is
// cut, filtered, refused or empty, if the Info of the provider has a Codec.
//
// Run fails if the provider is blocked, by a wrong key or an exhausted account:
// it then takes no more input, delivers the batches that are at the provider,
// and returns the error; only the items of the blocked batch leave by that
// error, and those that were not sent yet.
//
// The requests of the batches in flight are held in memory.
//
// Its methods are safe for concurrent use.
type Stage[B, T any] struct {
	provider Provider
	items    func(B) []T
	request  func(T) (Request, error)
	cfg      Config
	figures  figures
}

// New returns a stage that sends what request makes of each item of a batch,
// such as an accumulator makes it. A batch that holds several endpoints or
// models, or more than the provider takes at once, is sent as several.
//
// Request is called once for each item, from one goroutine. If it returns an
// error, or a request that no provider takes or that this one is known to
// refuse, the item is settled at once with class permanent.
func New[T any](p Provider, request func(T) (Request, error), cfg Config) *Stage[accumulator.Batch[T], T] {
	items := func(b accumulator.Batch[T]) []T { return b.Items }
	return &Stage[accumulator.Batch[T], T]{provider: p, items: items, request: request, cfg: cfg}
}

// FromSlices is New for batches that are plain slices.
func FromSlices[T any](p Provider, request func(T) (Request, error), cfg Config) *Stage[[]T, T] {
	items := func(b []T) []T { return b }
	return &Stage[[]T, T]{provider: p, items: items, request: request, cfg: cfg}
}

// String is the stage's name.
func (s *Stage[B, T]) String() string {
	if s.provider == nil {
		return "sink"
	}
	return "sink " + s.provider.Info().Name
}

// Run implements the stage of package flow. It returns the error of
// [Config.Validate], the provider's if it is blocked, or context.Cause(ctx).
func (s *Stage[B, T]) Run(ctx context.Context, in <-chan []B, out chan<- []Result[T]) error {
	if err := s.cfg.Validate(); err != nil {
		return err
	}
	if s.provider == nil || s.request == nil {
		return errors.New("sink: a Stage without a provider or a request function: make it with New or FromSlices")
	}
	reading, halt := context.WithCancelCause(ctx)
	defer halt(nil)
	b := buyer{s.provider, s.cfg.withDefaults(), purchase.NewOwners()}
	r := &run[T]{
		buyer: b, codec: s.provider.Info().Codec, request: s.request,
		halt: halt, figures: &s.figures, slots: make(chan struct{}, b.cfg.InFlight), out: out,
	}
	s.read(ctx, reading, r, in)
	r.lots.Wait()
	return context.Cause(reading)
}

// read starts a lot for every batch that comes, until reading is done. What the
// lots do ends with ctx.
func (s *Stage[B, T]) read(ctx, reading context.Context, r *run[T], in <-chan []B) {
	for reading.Err() == nil {
		select {
		case batches, more := <-in:
			if !more {
				return
			}
			for _, b := range batches {
				r.accept(ctx, reading, s.items(b))
			}
		case <-reading.Done():
		}
	}
}

// run is one Run of a Stage.
type run[T any] struct {
	buyer    buyer
	codec    llm.Codec
	request  func(T) (Request, error)
	figures  *figures
	narrowed narrowed
	halt     context.CancelCauseFunc // ends the reading, but nothing that is on its way
	slots    chan struct{}           // held by each lot on its way
	lots     sync.WaitGroup
	out      chan<- []Result[T]
}

// accept settles what cannot be sent and starts the rest.
func (r *run[T]) accept(ctx, reading context.Context, items []T) {
	lots, refused := r.split(items)
	if err := r.send(ctx, refused); err != nil {
		return // ctx is done, so reading is
	}
	for _, l := range lots {
		select {
		case r.slots <- struct{}{}:
		case <-reading.Done():
		}
		if reading.Err() != nil {
			return
		}
		r.figures.inFlight.Add(1)
		r.lots.Go(func() {
			defer func() {
				r.figures.inFlight.Add(-1)
				<-r.slots
			}()
			if err := r.settle(ctx, l); err != nil {
				r.halt(err)
			}
		})
	}
}

// send delivers results, unless ctx is done.
func (r *run[T]) send(ctx context.Context, results []Result[T]) error {
	if ctx.Err() != nil { // a select would pick at random
		return context.Cause(ctx)
	}
	if len(results) == 0 {
		return nil
	}
	failed := 0 // the results are not ours once they are sent
	for i := range results {
		if results[i].Err != nil {
			failed++
		}
	}
	select {
	case r.out <- results:
		r.figures.failed.Add(int64(failed))
		r.figures.succeeded.Add(int64(len(results) - failed))
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
