package accumulator

import (
	"context"
	"errors"
	"time"
)

// Run is the stage of a pipeline: it batches what it receives until in is
// closed, then sends what it holds and returns nil. When ctx is done it returns
// the cause, and what it held is lost to out. An invalid [Config] is an error,
// too. Run never closes out.
//
// Items are copied, so a received slice may be used again once Run receives the
// next; the batches belong to the receiver.
func (s Stage[T]) Run(ctx context.Context, in <-chan []T, out chan<- []Batch[T]) error {
	if err := s.validate(); err != nil {
		return err
	}
	s.cfg = s.cfg.withDefaults()
	r := &run[T]{ctx: ctx, out: out, plain: s.plain(), timer: time.NewTimer(0)}
	r.engine = newEngine(s, s.meter, s.cfg.MaxPending)
	r.engine.vacant, r.engine.emit = func() bool { return true }, r.emit
	err := r.loop(in)
	r.timer.Stop()
	s.meter.openMore(-r.engine.open.count) // those that an error left open
	return err
}

// Borrows reports that Run keeps no slice that it received: see flow.Borrower.
func (s Stage[T]) Borrows() bool { return true }

// run is one execution of Stage.Run. All of it is in one goroutine.
type run[T any] struct {
	ctx    context.Context
	out    chan<- []Batch[T]
	plain  bool
	engine engine[T]
	ready  []Batch[T] // closed and not yet sent
	timer  *time.Timer
	armed  time.Time
	burst  int
}

func (r *run[T]) loop(in <-chan []T) error {
	for {
		vs, ok, err := r.receive(in)
		switch {
		case err != nil:
			return err
		case !ok:
			r.engine.closeAll(ReasonClose)
			return r.send()
		}
		if err := r.add(vs); err != nil {
			return err
		}
		if err := r.send(); err != nil {
			return err
		}
		r.arm()
	}
}

func (r *run[T]) arm() {
	due, ok := r.engine.open.next()
	if ok && (r.armed.IsZero() || due.Before(r.armed)) {
		r.armed = due
		r.timer.Reset(time.Until(due))
	}
}

// send sends the closed batches, if any.
func (r *run[T]) send() error {
	if len(r.ready) == 0 {
		return nil
	}
	if r.ctx.Err() != nil { // not one more, even if there is room
		return context.Cause(r.ctx)
	}
	select {
	case r.out <- r.ready: // alone it costs half of what it costs in a choice
	default:
		select {
		case r.out <- r.ready:
		case <-r.ctx.Done():
			return context.Cause(r.ctx)
		}
	}
	r.ready = nil
	return nil
}

// add places a received slice.
func (r *run[T]) add(vs []T) error {
	if r.plain {
		return r.fill(metaItems[T]{items: vs})
	}
	var metas [chunk]itemMeta
	for len(vs) > 0 {
		l := r.engine.stage.annotate(vs, &metas)
		if err := r.fill(l); err != nil {
			return err
		}
		vs = vs[len(l.items):]
	}
	return nil
}

func (r *run[T]) fill(l metaItems[T]) error {
	for {
		n, err := r.engine.fill(l)
		if err == nil {
			return nil
		}
		l.skip(n)
		if err := r.makeWay(&l, err); err != nil {
			return err
		}
	}
}

// makeWay does what the first item of l needs, which cannot be placed because
// of obstacle.
func (r *run[T]) makeWay(l *metaItems[T], obstacle error) error {
	switch {
	case errors.Is(obstacle, errNeedKey):
		return r.waitForKey()
	case errors.Is(obstacle, errNeedLimits):
		return r.engine.stage.askLimits(&l.metas[0])
	}
	var heavy *OverweightError
	if !errors.As(obstacle, &heavy) {
		return obstacle
	}
	r.engine.stage.reject(l.items[0], heavy)
	l.skip(1)
	return nil
}

func (r *run[T]) emit(s *slab[T]) { r.ready = append(r.ready, s.batch) }
