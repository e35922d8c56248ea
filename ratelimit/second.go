package ratelimit

import "time"

// second is what passed in the last 60th of a window. A provider that counts by
// the second never sees more than its share in one, whichever moment its seconds
// begin at, if no such span holds more.
//
// Calls that pass within a 64th of the span are one gulp, which counts until the
// last of them is old, so that it takes bounded memory and at most a 64th of
// the use.
type second struct {
	span  time.Duration
	limit [dimensions]float64 // 0 means no limit
	used  [dimensions]float64 // by all gulps
	gulps [gulps]gulp         // a ring
	first int
	n     int
}

const gulps = 66 // 64 whole ones and two cut off

type gulp struct {
	from, to time.Time
	used     [dimensions]float64
}

// expire forgets what passed a span ago.
func (s *second) expire(now time.Time) {
	for s.n > 0 && now.Sub(s.gulps[s.first].to) >= s.span {
		for i, n := range s.gulps[s.first].used {
			s.used[i] -= n
		}
		s.first = (s.first + 1) % gulps
		s.n--
	}
}

// take notes that cost passes now.
func (s *second) take(now time.Time, cost [dimensions]float64) {
	g := s.gulp(now)
	g.to = now
	for i, n := range cost {
		g.used[i] += n
		s.used[i] += n
	}
}

// gulp is the one for now, begun if need be.
func (s *second) gulp(now time.Time) *gulp {
	if s.n > 0 {
		last := &s.gulps[(s.first+s.n-1)%gulps]
		if s.n == gulps || now.Sub(last.from) < s.span/64 {
			return last
		}
	}
	g := &s.gulps[(s.first+s.n)%gulps]
	*g = gulp{from: now}
	s.n++
	return g
}

// wait is the time until cost fits, 0 for now. What is more than a share passes
// alone.
func (s *second) wait(now time.Time, cost [dimensions]float64) time.Duration {
	used := s.used
	for i := range s.n {
		if s.fits(used, cost) {
			return s.until(now, i)
		}
		for d, n := range s.gulps[(s.first+i)%gulps].used {
			used[d] -= n
		}
	}
	return s.until(now, s.n)
}

// until is the time until the first n gulps are old.
func (s *second) until(now time.Time, n int) time.Duration {
	if n == 0 {
		return 0
	}
	return s.gulps[(s.first+n-1)%gulps].to.Add(s.span).Sub(now)
}

func (s *second) fits(used, cost [dimensions]float64) bool {
	for i, limit := range s.limit {
		if limit > 0 && cost[i] > 0 && used[i]+cost[i] > limit {
			return false
		}
	}
	return true
}
