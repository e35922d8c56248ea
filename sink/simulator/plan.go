package simulator

import (
	"math/bits"
	"time"
)

// A plan says when the rows of a batch run: evenly spread over a time that
// begins at begin, and none after end. It is exact, so that a batch that is
// executed again after a crash executes the same rows.
type plan struct {
	rows  int
	begin time.Time
	lasts time.Duration
	end   time.Time // of the window, or when the batch was cancelled
}

// due returns how many rows have to have run at the given time.
func (p plan) due(now time.Time) int {
	if p.end.Before(now) {
		now = p.end
	}
	elapsed := now.Sub(p.begin)
	switch {
	case elapsed < 0:
		return 0
	case elapsed >= p.lasts:
		return p.rows
	}
	n, _ := mulDiv(p.rows, elapsed, p.lasts)
	return int(n)
}

// over reports whether no more rows are going to run when done of them have.
func (p plan) over(done int, now time.Time) bool {
	return done == p.rows || (!now.Before(p.end) && done >= p.due(p.end))
}

// next returns when it is worth looking again when done rows, but not all, have
// run: at the end, or when another row is due, or another hundredth of many.
func (p plan) next(done int) time.Time {
	target := min(p.rows, done+max(1, p.rows/100))
	after, rest := mulDiv(target, p.lasts, time.Duration(p.rows))
	if rest > 0 {
		after++
	}
	if t := p.begin.Add(after); t.Before(p.end) {
		return t
	}
	return p.end
}

// mulDiv returns the quotient and the remainder of n*d/by, which must not
// exceed the range of a Duration, though n*d may.
func mulDiv(n int, d, by time.Duration) (quotient, remainder time.Duration) {
	high, low := bits.Mul64(uint64(n), uint64(d))
	q, r := bits.Div64(high, low, uint64(by))
	return time.Duration(q), time.Duration(r)
}
