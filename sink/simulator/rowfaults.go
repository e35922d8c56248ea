package simulator

import (
	"fmt"
	"hash/fnv"
)

// RowFaults are the fractions of rows, from 0 to 1, that something goes wrong
// with; zero means none. Those of BadRequest and Refusal may add up to 1, those of RateLimited,
// ServerError and Timeout, and those of Missing, Repeated and Foreign.
//
// A row that meets BadRequest or Refusal does so in every batch. Whether it
// meets one of the others is left to chance anew in each batch, so that trying
// again helps.
type RowFaults struct {
	// BadRequest is the fraction that fails with status 400.
	BadRequest float64
	// Refusal is the fraction that the assistant refuses to answer.
	Refusal float64
	// RateLimited is the fraction that fails with status 429.
	RateLimited float64
	// ServerError is the fraction that fails with status 500.
	ServerError float64
	// Timeout is the fraction that fails with the code request_timeout.
	Timeout float64

	// Missing is the fraction that ran, and was billed if it succeeded, but
	// is in neither of the result files.
	Missing float64
	// Repeated is the fraction that is in its result file twice.
	Repeated float64
	// Foreign is the fraction that a line follows whose custom_id nobody sent.
	Foreign float64
}

func (f RowFaults) validate() error {
	for _, group := range [][]float64{
		{f.BadRequest, f.Refusal}, {f.RateLimited, f.ServerError, f.Timeout}, {f.Missing, f.Repeated, f.Foreign},
	} {
		sum := 0.0
		for _, fraction := range group {
			if !(fraction >= 0) {
				return fmt.Errorf("simulator: Config.Rows: a fraction is negative: %v", fraction)
			}
			sum += fraction
		}
		if sum > 1 {
			return fmt.Errorf("simulator: Config.Rows: fractions add up to %v, more than 1", sum)
		}
	}
	return nil
}

// reply returns the failure that the row meets, if it does.
func (f RowFaults) reply(seed uint64, batchSeq int, r Row) (Reply, bool) {
	if f == (RowFaults{}) {
		return Reply{}, false
	}
	if reply, hit := pick(chance(seed, "", r.Body), []fraction{
		{f.BadRequest, invalidRow},
		{f.Refusal, refusedRow},
	}); hit {
		return reply, true
	}
	return pick(chance(seed, fmt.Sprint("row ", batchSeq, r.CustomID), nil), []fraction{
		{f.RateLimited, limitedRow},
		{f.ServerError, brokenRow},
		{f.Timeout, timedOutRow},
	})
}

// lines returns how often the line of a row is in its result file, and whether
// a foreign one follows.
func (f RowFaults) lines(seed uint64, batchSeq int, customID string) (copies int, foreign bool) {
	if f.Missing+f.Repeated+f.Foreign == 0 {
		return 1, false
	}
	switch point := chance(seed, fmt.Sprint("line ", batchSeq, customID), nil); {
	case point < f.Missing:
		return 0, false
	case point < f.Missing+f.Repeated:
		return 2, false
	default:
		return 1, point < f.Missing+f.Repeated+f.Foreign
	}
}

type fraction struct {
	size  float64
	reply func() Reply
}

// pick returns the reply in whose part of the line from 0 to 1 the point lies.
func pick(point float64, fractions []fraction) (Reply, bool) {
	for _, f := range fractions {
		if point < f.size {
			return f.reply(), true
		}
		point -= f.size
	}
	return Reply{}, false
}

// chance returns a number from 0 to 1 that depends on nothing but its
// arguments.
func chance(seed uint64, name string, data []byte) float64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %s ", seed, name)
	_, _ = h.Write(data)
	x := h.Sum64()
	x ^= x >> 33 // FNV leaves the high bits of similar texts similar
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}
