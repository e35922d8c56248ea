package simulator

import (
	"fmt"

	"github.com/balerhq/baler/sink/simulator/internal/chance"
)

// RowFaults are the fractions of rows, from 0 to 1, that something goes wrong
// with; zero means none. Those of BadRequest and Refusal may add up to 1, those
// of RateLimited, ServerError and Timeout, and those of Missing, Repeated,
// Foreign and Surplus.
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

	// Missing is the fraction that is in neither of the result files, whether
	// it ran, and was billed if it succeeded, or not.
	Missing float64
	// Repeated is the fraction that is in its result file twice.
	Repeated float64
	// Foreign is the fraction that a line follows whose custom_id nobody sent.
	Foreign float64
	// Surplus is the fraction that a line follows whose custom_id is like the
	// row's, but for the last character but one.
	Surplus float64
}

func (f RowFaults) validate() error {
	for _, group := range [][]float64{
		{f.BadRequest, f.Refusal}, {f.RateLimited, f.ServerError, f.Timeout}, {f.Missing, f.Repeated, f.Foreign, f.Surplus},
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
	if reply, hit := pick(chance.Of(seed, "", r.Body), []fraction{
		{f.BadRequest, invalidRow},
		{f.Refusal, refusedRow},
	}); hit {
		return reply, true
	}
	return pick(chance.Of(seed, fmt.Sprint("row ", batchSeq, r.CustomID), nil), []fraction{
		{f.RateLimited, limitedRow},
		{f.ServerError, brokenRow},
		{f.Timeout, timedOutRow},
	})
}

// lines returns how often the line of a row is in its result file, and the
// custom_id of the one that follows, if one does.
func (f RowFaults) lines(seed uint64, batchSeq int, customID string) (copies int, stray string) {
	if f.Missing+f.Repeated+f.Foreign+f.Surplus == 0 {
		return 1, ""
	}
	point := chance.Of(seed, fmt.Sprint("line ", batchSeq, customID), nil)
	if point < f.Missing {
		return 0, ""
	}
	if point -= f.Missing; point < f.Repeated {
		return 2, ""
	}
	if point -= f.Repeated; point < f.Foreign {
		return 1, "foreign"
	}
	if point -= f.Foreign; point < f.Surplus {
		return 1, alike(customID)
	}
	return 1, ""
}

// alike returns an id that differs in the last character but one.
func alike(id string) string {
	if len(id) < 2 {
		return id + "-"
	}
	other := "A"
	if n := len(id) - 2; id[n] == 'A' {
		other = "B"
	}
	return id[:len(id)-2] + other + id[len(id)-1:]
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
