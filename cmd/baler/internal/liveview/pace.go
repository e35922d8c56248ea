package liveview

import (
	"slices"
	"time"
)

// Pace is how fast a run gets on.
type Pace struct {
	PerMinute float64 // rows that were answered a minute lately
	// Soonest and Latest bound the time until all rows are answered. Both are
	// zero if nothing honest can be said.
	Soonest, Latest time.Duration
	Still           time.Duration // for how long no row has been answered
}

// These say when an estimate is honest.
const (
	minWatched   = 20 * time.Second // watched at least
	minMoves     = 3                // times that rows were answered
	minAnswered  = 0.01             // of all rows that were to be answered
	maxSpread    = 4.0              // between the two estimates
	maxStill     = 4                // the share of all time that nothing may have been answered
	maxLately    = 10 * time.Minute // the longest time that counts as lately
	latelyShare  = 3                // the share of all time that does
	mostReadings = 512
)

// reading is how many rows were answered at a moment.
type reading struct {
	at       time.Time
	answered int
}

// history remembers how many rows were answered, and when.
type history struct {
	readings []reading // the first, and then ever fewer of the older ones
	moved    time.Time // when a row was answered last
	moves    int
}

// add adds a reading. Readings that show nothing new are kept, too, because
// time has passed.
func (h *history) add(r reading) {
	if n := len(h.readings); n > 0 && r.answered > h.readings[n-1].answered {
		h.moved, h.moves = r.at, h.moves+1
	}
	h.readings = append(h.readings, r)
	if len(h.readings) > mostReadings {
		i := 0
		h.readings = slices.DeleteFunc(h.readings, func(reading) bool { i++; return i%2 == 0 && i < mostReadings })
	}
}

// pace returns how fast rows are answered, and when the remaining ones will be.
func (h *history) pace(remaining int) (p Pace) {
	if len(h.readings) == 0 {
		return p
	}
	first, last := h.readings[0], h.readings[len(h.readings)-1]
	watched := last.at.Sub(first.at)
	p.Still = watched
	if h.moves > 0 {
		p.Still = last.at.Sub(h.moved)
	}
	lately := h.since(last.at.Add(-min(max(watched/latelyShare, minWatched), maxLately)))
	recent, whole := rate(lately, last), rate(first, last)
	p.PerMinute = recent * 60
	switch {
	case remaining <= 0, watched < minWatched, h.moves < minMoves, p.Still > max(watched/maxStill, minWatched/2),
		recent <= 0, whole <= 0, max(recent, whole) > maxSpread*min(recent, whole),
		float64(last.answered-first.answered) < minAnswered*float64(remaining):
		return p
	}
	left := func(rate float64) time.Duration {
		return time.Duration(float64(remaining) / rate * float64(time.Second))
	}
	p.Soonest, p.Latest = left(max(recent, whole)), left(min(recent, whole))
	return p
}

// since returns the last reading that is not after a moment, or the first one.
func (h *history) since(t time.Time) reading {
	i, found := slices.BinarySearchFunc(h.readings, t, func(r reading, t time.Time) int { return r.at.Compare(t) })
	if !found && i > 0 {
		i--
	}
	return h.readings[i]
}

// rate returns how many rows a second were answered.
func rate(from, to reading) float64 {
	seconds := to.at.Sub(from.at).Seconds()
	if seconds <= 0 {
		return 0
	}
	return max(0, float64(to.answered-from.answered)/seconds)
}
