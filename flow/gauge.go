package flow

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// gauge counts what goes through one channel.
type gauge struct {
	written, read atomic.Int64 // items

	mu    sync.Mutex
	held  time.Duration // for which a slice was there and nobody took it
	since time.Time     // when that began this time; zero when it is not so
}

func (g *gauge) block() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.since = time.Now()
}

func (g *gauge) unblock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held += time.Since(g.since)
	g.since = time.Time{}
}

// blocked never goes back: like unblock it reads the clock under the lock.
func (g *gauge) blocked() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.since.IsZero() {
		return g.held
	}
	return g.held + time.Since(g.since)
}

func (g *gauge) addTo(s *StageStats) {
	read := g.read.Load() // first: it never exceeds written
	s.In += read
	s.Waiting += g.written.Load() - read
	s.Held += g.blocked()
}

// output makes the channel that a stage writes and the one that the next stage
// reads: the same, or, with WithStats, two with a gauge between them.
func output[T any](p *Pipeline) (write chan []T, read <-chan []T) {
	write = make(chan []T, 1)
	if !p.metered {
		return write, write
	}
	g, metered := &gauge{}, make(chan []T) // unbuffered: what is sent is taken
	read = metered
	p.graph.measure(read, g)
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
	g.block()
	err := send(ctx, out, slice)
	g.unblock()
	if err == nil {
		g.read.Add(n)
	}
	return err
}
