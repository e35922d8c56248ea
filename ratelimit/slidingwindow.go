package ratelimit

import "time"

// slidingWindow counts the calls that passed in the last 60th of a limit's
// window. A provider that counts by the second never sees more than its share
// in any of its seconds, whenever they begin, if no span of that length holds
// more.
//
// Calls that pass within a 64th of the span share a slot. A slot counts until
// its last call is old. So memory is bounded, and at most a 64th of the limit
// goes unused.
type slidingWindow struct {
	span  time.Duration
	limit [dimensions]float64 // 0 means no limit
	used  [dimensions]float64 // by all slots
	slots [windowSlots]windowSlot
	first int // of the ring of slots
	n     int
}

const windowSlots = 66 // 64 whole ones and two cut off

type windowSlot struct {
	from, to time.Time
	used     [dimensions]float64
}

// expire forgets the slots that passed a span ago.
func (s *slidingWindow) expire(now time.Time) {
	for s.n > 0 && now.Sub(s.slots[s.first].to) >= s.span {
		for i, n := range s.slots[s.first].used {
			s.used[i] -= n
		}
		s.first = (s.first + 1) % windowSlots
		s.n--
	}
}

// take notes that cost passes now.
func (s *slidingWindow) take(now time.Time, cost [dimensions]float64) {
	slot := s.slot(now)
	slot.to = now
	for i, n := range cost {
		slot.used[i] += n
		s.used[i] += n
	}
}

// slot returns the slot for now and begins it if there is none.
func (s *slidingWindow) slot(now time.Time) *windowSlot {
	if s.n > 0 {
		last := &s.slots[(s.first+s.n-1)%windowSlots]
		if s.n == windowSlots || now.Sub(last.from) < s.span/64 {
			return last
		}
	}
	slot := &s.slots[(s.first+s.n)%windowSlots]
	*slot = windowSlot{from: now}
	s.n++
	return slot
}

// wait returns the time until cost fits, 0 for now. A cost above a whole share
// passes alone.
func (s *slidingWindow) wait(now time.Time, cost [dimensions]float64) time.Duration {
	used := s.used
	for i := range s.n {
		if s.fits(used, cost) {
			return s.until(now, i)
		}
		for d, n := range s.slots[(s.first+i)%windowSlots].used {
			used[d] -= n
		}
	}
	return s.until(now, s.n)
}

// until returns the time until the first n slots are old.
func (s *slidingWindow) until(now time.Time, n int) time.Duration {
	if n == 0 {
		return 0
	}
	return s.slots[(s.first+n-1)%windowSlots].to.Add(s.span).Sub(now)
}

func (s *slidingWindow) fits(used, cost [dimensions]float64) bool {
	for i, limit := range s.limit {
		if limit > 0 && cost[i] > 0 && used[i]+cost[i] > limit {
			return false
		}
	}
	return true
}
