package flow

import "time"

const (
	maxStride = 64                    // most calls between two readings of the clock
	slowCall  = 10 * time.Microsecond // a call that takes longer than this is worth a send of its own
)

// pace measures how long the calls of a function take. It starts with one call
// at a time, and measures more calls together as long as they are fast. So a
// fast function pays for a small part of a clock reading, and no result of a
// slow function waits for the next call.
type pace struct {
	stride int
	began  time.Time
	busy   *busy
}

func newPace(b *busy) pace { return pace{stride: 1, busy: b} }

// begin starts the clock.
func (p *pace) begin() { p.began = time.Now() }

// next returns how many of n items to handle before done.
func (p *pace) next(n int) int { return min(p.stride, n) }

// done reports whether n calls since begin, or the last done, were slow.
func (p *pace) done(n int) (slow bool) {
	now := time.Now()
	took := now.Sub(p.began)
	p.busy.add(took)
	p.began = now
	if slow = took > time.Duration(n)*slowCall; slow {
		p.stride = 1
	} else {
		p.stride = min(2*p.stride, maxStride)
	}
	return slow
}
