package intent_test

import (
	"math/rand/v2"
	"time"

	"github.com/balerhq/baler/internal/intent"
)

// weather is what a run has to expect.
type weather struct {
	items, batch    int
	crash           float64 // at each point
	end             float64 // at each call: another one ends the run
	losses          float64 // of the store, at a crash
	jumps           float64 // of our clock, at a crash
	gaps            float64 // that a list lacks a batch
	lateness, lag   time.Duration
	grace           time.Duration
	replies         replies
	refusals, fails float64 // of a batch, of a row
	hangs           float64 // that a batch does not end in all its time
	holds           float64 // of the result of a row, each time that it is asked for
	abandons        float64 // of a batch in doubt, each time that it is looked for: by a person
	skew            time.Duration
	foreign         int // batches of others that are there from the start
	kind
}

// kind is a kind of provider, and how the job uses it.
type kind struct {
	name      string
	untagged  bool // it keeps no tag with a batch
	repeats   bool // it makes no second batch of a tag
	policy    intent.Policy
	exclusive bool    // the job claims that nobody else uses the account
	strangers float64 // chance that somebody makes a batch of the same size when we do
}

var (
	tagged = kind{name: "tagged"} // in its metadata or its display name
	kinds  = []kind{
		tagged,
		tagged,
		{name: "repeatable", repeats: true},
		{name: "wait", untagged: true, policy: intent.Wait, strangers: 0.5},
		{name: "wait alone", untagged: true, policy: intent.Wait, exclusive: true},
		{name: "wait not alone", untagged: true, policy: intent.Wait, exclusive: true, strangers: 0.3},
		{name: "resubmit", untagged: true, policy: intent.Resubmit, strangers: 0.5},
		{name: "fail", untagged: true, policy: intent.Fail, strangers: 0.5},
	}
)

// covered reports whether the grace period covers what the provider may do.
func (w weather) covered() bool { return w.lateness+w.lag <= w.grace && w.replies.twice == 0 }

func newWorld(seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 1)), now: sent} //nolint:gosec // must replay
	w.weather = weather{
		items: 1 + w.IntN(20), batch: 1 + w.IntN(6),
		crash:  []float64{0, 0.01, 0.04, 0.1}[w.IntN(4)],
		end:    []float64{0, 0.01, 0.04}[w.IntN(3)],
		losses: 0.05,
		gaps:   []float64{0, 0.2, 0.5}[w.IntN(3)],
		grace:  w.upTo(20 * time.Minute), lateness: w.upTo(10 * time.Minute), lag: w.upTo(10 * time.Minute),
		replies:  replies{rejected: 0.1, unapplied: 0.1, lost: 0.2, late: 0.1, twice: 0.05},
		refusals: 0.1, fails: 0.2, holds: []float64{0, 0.1, 0.5}[w.IntN(3)],
		skew:    w.upTo(20*time.Minute) - 10*time.Minute,
		hangs:   []float64{0, 0.1}[w.IntN(2)],
		foreign: w.IntN(4),
		kind:    kinds[w.IntN(len(kinds))],
	}
	if w.IntN(4) == 0 {
		w.lateness *= 4
	}
	if w.IntN(4) > 0 {
		w.replies.twice = 0 // a provider of which the promise holds
	}
	if w.untagged {
		w.gaps = 0     // or what is somebody else's would look like what is ours
		w.hangs = 0    // or its candidates would be waited for as long
		w.refusals = 0 // a batch without rows would say nothing about whose it is
	}
	if !w.untagged { // or whose batch is as old as ours could not be told
		w.jumps = []float64{0, 0.3}[w.IntN(2)]
	}
	if seed%4 == 0 { // a person is impatient
		w.abandons = 0.3
	}
	w.start()
	return w
}

func (w *world) start() {
	w.stats = make(stats)
	w.disk = newDisk(w.items)
	w.looked = make(map[string]time.Time)
	w.provider = provider{world: w}
	for range w.foreign {
		w.provider.foreign()
	}
}

// calm is a world in which nothing goes wrong but the crashes at given points.
func calm(k kind, crashAt ...int) *world {
	w := &world{Rand: rand.New(rand.NewPCG(1, 1)), now: sent, crashAt: crashAt} //nolint:gosec // must replay
	w.weather = weather{items: 4, batch: 2, grace: 10 * time.Minute, kind: k}
	w.start()
	return w
}
