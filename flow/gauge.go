package flow

import (
	"context"
	"sync/atomic"
	"time"
)

// gauge counts what goes through one channel.
type gauge struct {
	written, read atomic.Int64 // items
	held          atomic.Int64 // nanoseconds for which a slice was there and nobody took it
	since         atomic.Int64 // when that began this time, in Unix nanoseconds; zero when it is not so
}

func (g *gauge) addTo(s *StageStats, now time.Time) {
	read := g.read.Load() // first: it never exceeds written
	s.In += read
	s.Waiting += g.written.Load() - read
	s.Held += time.Duration(g.held.Load())
	if since := g.since.Load(); since > 0 {
		s.Held += now.Sub(time.Unix(0, since))
	}
}

// output makes the channel that a stage writes and the one that the next stage reads: the same, or, with WithStats, two
// with a gauge between them.
func output[T any](p *Pipeline) (write chan []T, read <-chan []T) {
	write = make(chan []T, 1)
	if !p.metered {
		return write, write
	}
	g, metered := &gauge{}, make(chan []T) // unbuffered: what is sent is taken
	read = metered
	p.plan.measure(read, g)
	p.run(p.stages, "stats", func(ctx context.Context) error {
		defer close(metered)
		for slice := range Slices(ctx, write) {
			if err := pass(ctx, g, metered, slice); err != nil {
				return err
			}
		}
		return context.Cause(ctx)
	})
	return write, read
}

// pass sends slice and measures how long nobody takes it.
func pass[T any](ctx context.Context, g *gauge, out chan<- []T, slice []T) error {
	n := int64(len(slice))
	g.written.Add(n)
	select {
	case out <- slice:
		g.read.Add(n)
		return nil
	default:
	}
	began := time.Now()
	g.since.Store(began.UnixNano())
	err := send(ctx, out, slice)
	g.since.Store(0)
	g.held.Add(int64(time.Since(began)))
	if err == nil {
		g.read.Add(n)
	}
	return err
}
