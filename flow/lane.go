package flow

import (
	"slices"
	"time"
)

// A Lane is one of the ways by which a [Router] gets items done: a provider and model, a region, a sub-pipeline.
type Lane[In, Out any] struct {
	// Name identifies the lane in results and to strategies. Required and unique.
	Name string
	// Build makes the stage of the lane. It is called when the first item goes there. Required. The stage must answer
	// every item once, in any order. Build is called again for items that fail over to the lane after its input was closed
	// at the end of the stream.
	Build func() Stage[In, Out]
	// Weight is the share of items under [Weighted]. Zero means one.
	Weight int
	// Price is what an item of cost one costs here, for [Cheapest].
	Price float64
	// Limit is how many items may be in flight here; the lane is skipped when it is reached. Zero means no limit.
	Limit int
	// Open reports whether the lane takes items now, such as a failure guard does. It must be fast. Nil means always.
	Open func() bool
}

// LaneState is what a [Strategy] sees of a lane.
type LaneState struct {
	Name     string
	Weight   int
	Price    float64
	InFlight int           // items sent there that have no answer yet
	Load     float64       // their cost
	Latency  time.Duration // moving average of the time to an answer; zero before the first
}

// laneBook is what the router knows about a lane.
type laneBook struct {
	state LaneState
	limit int
	open  func() bool
	until time.Time // skipped until then, after a failure
}

func (b *laneBook) takes(now time.Time) bool {
	return (b.limit == 0 || b.state.InFlight < b.limit) && !now.Before(b.until) && (b.open == nil || b.open())
}

func (b *laneBook) sent(cost float64) {
	b.state.InFlight++
	b.state.Load += cost
}

// answered counts an answer after took: the average follows the last ten or so.
func (b *laneBook) answered(cost float64, took time.Duration) {
	b.state.InFlight--
	b.state.Load -= cost
	if b.state.Latency == 0 {
		b.state.Latency = took
		return
	}
	b.state.Latency += (took - b.state.Latency) / 5
}

// laneTable picks lanes. It has no clock and no locks.
type laneTable[In any] struct {
	books []laneBook
	pick  Strategy[In]
}

// choose returns the index of the lane for item, among those that take items now and were not tried.
func (t *laneTable[In]) choose(item In, tried []string, now time.Time) (lane int, ok bool) {
	var states []LaneState
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
