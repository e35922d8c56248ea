package ratelimit

// Cost is what one call takes of each limit. A dimension without a limit costs
// nothing, and a negative amount counts as zero.
type Cost struct {
	Requests     int
	InputTokens  int
	OutputTokens int
	// Slots are places among the calls at the same time, 1 for a usual call.
	// They are held until Settle. A call that wants more than there are passes
	// when it is alone.
	Slots int
}

// rates are the dimensions that refill by themselves, in the order of
// [Limiter]'s buckets.
func (c Cost) rates() [dimensions]float64 {
	return [dimensions]float64{
		float64(max(c.Requests, 0)),
		float64(max(c.InputTokens, 0)),
		float64(max(c.OutputTokens, 0)),
	}
}

const dimensions = 3
