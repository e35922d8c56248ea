package router

import (
	"slices"
	"time"

	"github.com/balerhq/baler/flow"
)

// A Route is one of the ways by which a [Router] gets items done: a provider
// and model, a region, a sub-pipeline.
type Route[In, Out any] struct {
	// Name identifies the route in results and to strategies. Required and
	// unique.
	Name string
	// Build makes the stage of the route. It is called when the first item goes
	// there. Required. The stage must answer every item once, in any order.
	// Build is called again for items that fail over to the route after its
	// input was closed at the end of the stream.
	Build func() flow.Stage[In, Out]
	// Weight is the share of items under [Weighted]. Zero means one.
	Weight int
	// Price is what an item of cost one costs here, for [Cheapest].
	Price float64
	// Limit is how many items may be in flight here; the route is skipped when
	// it is reached. Zero means no limit.
	Limit int
	// Open reports whether the route takes items now, such as a failure guard
	// does. It must be fast. Nil means always.
	Open func() bool
}

// State is what a [Strategy] sees of a route.
type State struct {
	Name     string
	Weight   int
	Price    float64
	InFlight int           // items sent there that have no answer yet
	Load     float64       // their cost
	Latency  time.Duration // moving average of the time to an answer; zero before the first
}

// health is what the router knows about a route.
type health struct {
	state State
	limit int
	open  func() bool
	until time.Time // skipped until then, after a failure
}

func (b *health) takes(now time.Time) bool {
	return (b.limit == 0 || b.state.InFlight < b.limit) && !now.Before(b.until) && (b.open == nil || b.open())
}

func (b *health) sent(cost float64) {
	b.state.InFlight++
	b.state.Load += cost
}

// answered counts an answer after took: the average follows the last ten or so.
func (b *health) answered(cost float64, took time.Duration) {
	b.state.InFlight--
	b.state.Load -= cost
	if b.state.Latency == 0 {
		b.state.Latency = took
		return
	}
	b.state.Latency += (took - b.state.Latency) / 5
}

// table picks routes. It has no clock and no locks.
type table[In any] struct {
	books []health
	pick  Strategy[In]
}

// choose returns the index of the route for item, among those that take items
// now and were not tried.
func (t *table[In]) choose(item In, tried []string, now time.Time) (route int, ok bool) {
	var states []State
	var index []int
	for i := range t.books {
		if b := &t.books[i]; !slices.Contains(tried, b.state.Name) && b.takes(now) {
			states, index = append(states, b.state), append(index, i)
		}
	}
	if len(states) == 0 {
		return 0, false
	}
	return index[t.pick(item, states)], true
}
