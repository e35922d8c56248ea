package ratelimit

// Cost is the amount that one call takes of each limit. A dimension without a
// limit is ignored, and a negative amount counts as zero.
type Cost struct {
	Requests     int
	InputTokens  int
	OutputTokens int
	// Slots bound the calls at the same time. A usual call takes 1. Slots are
	// taken until Settle. A call that takes more than the limit passes when it
	// is alone.
	Slots int
}

// rates returns the dimensions that refill by themselves, in the order of the
// buckets of a [Limiter].
func (c Cost) rates() [dimensions]float64 {
	return [dimensions]float64{
		float64(max(c.Requests, 0)),
		float64(max(c.InputTokens, 0)),
		float64(max(c.OutputTokens, 0)),
	}
}

const dimensions = 3
