package intent_test

import (
	"math/rand/v2"
	"time"
)

// weather is what a run has to expect.
type weather struct {
	items, batch    int
	crash           float64 // at each point
	lateness, lag   time.Duration
	grace           time.Duration
	replies         replies
	refusals, fails float64 // of a batch, of a row
	skew            time.Duration
	foreign         int
}

// covered reports whether the grace period covers what the provider may do.
func (w weather) covered() bool { return w.lateness+w.lag <= w.grace }

// stats are summed over runs.
type stats struct {
	runs, covered, points, crashes, items, batches, doubts int
	surplus, missed, redelivered                           int
}

func (s *stats) add(o stats) {
	s.runs++
	s.covered += o.covered
	s.points += o.points
	s.crashes += o.crashes
	s.items += o.items
	s.batches += o.batches
	s.doubts += o.doubts
	s.surplus += o.surplus
	s.missed += o.missed
	s.redelivered += o.redelivered
}

func newWorld(seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 1)), now: sent} //nolint:gosec // must replay
	w.weather = weather{
		items: 1 + w.IntN(20), batch: 1 + w.IntN(6),
		crash: []float64{0, 0.01, 0.04, 0.1}[w.IntN(4)],
		grace: w.upTo(20 * time.Minute), lateness: w.upTo(10 * time.Minute), lag: w.upTo(10 * time.Minute),
		replies:  replies{rejected: 0.1, unapplied: 0.1, lost: 0.2, late: 0.1, twice: 0.05},
		refusals: 0.1, fails: 0.2,
		skew:    w.upTo(20*time.Minute) - 10*time.Minute,
		foreign: w.IntN(4),
	}
	if w.IntN(4) == 0 {
		w.lateness *= 4
	}
	if w.IntN(2) == 0 {
		w.replies.twice = 0 // a provider of which the promise holds
	}
	w.start()
	return w
}

func (w *world) start() {
	w.disk = newDisk(w.items)
	w.provider = provider{world: w}
	for range w.foreign {
		w.provider.foreign()
	}
}

// calm is a world in which nothing goes wrong but the crashes at given points.
func calm(crashAt ...int) *world {
	w := &world{Rand: rand.New(rand.NewPCG(1, 1)), now: sent, crashAt: crashAt} //nolint:gosec // must replay
	w.weather = weather{items: 4, batch: 2, grace: 10 * time.Minute}
	w.start()
	return w
}
