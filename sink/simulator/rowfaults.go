package simulator

import (
	"fmt"
	"hash/fnv"
)

// RowFaults are the fractions of rows that fail, from 0 to 1, together at most
// 1. A row that meets BadRequest or Refusal does so in every batch. Whether it
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
}

func (f RowFaults) validate() error {
	sum := 0.0
	for _, fraction := range []float64{f.BadRequest, f.Refusal, f.RateLimited, f.ServerError, f.Timeout} {
		if !(fraction >= 0 && fraction <= 1) {
			return fmt.Errorf("simulator: Config.Rows: fraction %v is not between 0 and 1", fraction)
		}
		sum += fraction
	}
	if sum > 1 {
		return fmt.Errorf("simulator: Config.Rows: the fractions add up to %v, more than 1", sum)
	}
	return nil
}

// reply returns the failure that the row meets, if it does.
func (f RowFaults) reply(seed uint64, batchID string, r Row) (Reply, bool) {
	if f == (RowFaults{}) {
		return Reply{}, false
	}
	if reply, hit := pick(chance(seed, "", r.Body), []fraction{
		{f.BadRequest, Reply{Error: &rowInvalid}},
		{f.Refusal, Reply{Refusal: rowRefusal}},
	}); hit {
		return reply, true
	}
	return pick(chance(seed, batchID+r.CustomID, nil), []fraction{
		{f.RateLimited, Reply{Error: &rowLimited}},
		{f.ServerError, Reply{Error: &rowServer}},
		{f.Timeout, Reply{Error: &rowTimeout}},
	})
}

type fraction struct {
	size  float64
	reply Reply
}

// pick returns the reply in whose part of the line from 0 to 1 the point lies.
func pick(point float64, fractions []fraction) (Reply, bool) {
	for _, f := range fractions {
		if point < f.size {
			return f.reply, true
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
