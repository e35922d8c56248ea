package openai

import "hash/maphash"

// tally counts the rows of a file over several readings of it. It knows a row by
// a hash of its id, at a few bytes each.
type tally struct {
	seed    maphash.Seed
	ticks   map[uint64]tick // by id: as many as the file has rows
	reading int32

	lines      int  // of this reading that are rows
	unreadable int  // of this reading
	reported   int  // unreadable lines that were yielded, in any reading
	torn       bool // this reading ended within a line
}

// tick is how often a row came.
type tick struct {
	reading  int32
	now, all int32 // in that reading, and in the one that brought most
}

func newTally() *tally { return &tally{seed: maphash.MakeSeed(), ticks: make(map[uint64]tick)} }

// restart begins another reading.
func (t *tally) restart() {
	t.reading++
	t.lines, t.unreadable, t.torn = 0, 0, false
}

// fresh reports whether no earlier reading had the row as often as this one has
// it by now.
func (t *tally) fresh(id string) bool {
	key := maphash.String(t.seed, id)
	k := t.ticks[key]
	if k.reading != t.reading {
		k.reading, k.now = t.reading, 0
	}
	k.now++
	fresh := k.now > k.all
	k.all = max(k.all, k.now)
	t.ticks[key] = k
	return fresh
}
