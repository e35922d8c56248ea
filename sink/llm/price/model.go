package price

import (
	"cmp"
	"slices"
	"time"

	"github.com/balerhq/baler/sink/llm"
)

// Lane is the way that a request takes, which decides about its price.
type Lane int

// These are the lanes.
const (
	Batch Lane = iota // by the provider's batch API
	Live              // at once
	Flex              // at once, whenever the provider has room
)

// String returns the lane's name, as it is in a file of prices.
func (l Lane) String() string {
	switch l {
	case Batch:
		return "batch"
	case Live:
		return "live"
	case Flex:
		return "flex"
	}
	return "unknown lane"
}

// Model is what a model costs, and how much it takes.
type Model struct {
	Provider string // as package catalog calls it
	Name     string
	// Batch, Live and Flex are the prices of each lane, by the length of the
	// input, the shortest first. Without any, the lane has no known price.
	Batch, Live, Flex []Tier
	// MaxInput and MaxOutput are the most tokens that it takes and gives. Zero
	// means that it is not known.
	MaxInput, MaxOutput int
	// Retires is the day from which the model is not served any more. Zero
	// means that none is known.
	Retires time.Time
}

// Tier is what a token costs if the whole input of a request has more than
// Above tokens.
type Tier struct {
	Above       int
	Input       Money
	CachedInput Money // read from a cache
	CacheWrites Money // written to a cache; of five minutes at Anthropic
	HourWrites  Money // written to one of an hour; zero means the price of CacheWrites
	Output      Money
}

// Lane returns the prices of a lane.
func (m *Model) Lane(lane Lane) []Tier {
	switch lane {
	case Batch:
		return m.Batch
	case Live:
		return m.Live
	case Flex:
		return m.Flex
	}
	return nil
}

// Tier returns what the tokens of a request with so much input cost. It
// reports false if the lane has no known price.
func (m *Model) Tier(lane Lane, input int) (Tier, bool) {
	tiers := m.Lane(lane)
	for i := range slices.Backward(tiers) {
		if i == 0 || input > tiers[i].Above {
			return tiers[i], true
		}
	}
	return Tier{}, false
}

// Cost returns what one request costs by its usage. It reports false if the
// lane has no known price.
func (m *Model) Cost(lane Lane, usage llm.Usage) (Money, bool) {
	tier, ok := m.Tier(lane, usage.Input)
	return tier.Cost(usage), ok
}

// Cost returns what the tokens of a request cost. Of its input, what was read
// from a cache or written to one has prices of its own.
func (t Tier) Cost(usage llm.Usage) Money {
	plain := max(0, usage.Input-usage.CachedInput-usage.CacheWrites)
	return t.Input.Times(plain).
		Add(t.CachedInput.Times(usage.CachedInput)).
		Add(t.CacheWrites.Times(max(0, usage.CacheWrites-usage.HourWrites))).
		Add(cmp.Or(t.HourWrites, t.CacheWrites).Times(usage.HourWrites)).
		Add(t.Output.Times(usage.Output))
}
