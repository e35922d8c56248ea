package durable

// claimSpan is consecutive rows of a bale that stand in one level of the ready
// queue: the level, and their numbers from the first to the last. The journal has
// those of each batch, in the order of its rows, so that what a batch has claimed
// is known without its bale, and the bale can be made again.
type claimSpan [3]uint64

func (s claimSpan) level() uint8 { return uint8(s[0]) } //nolint:gosec // as it was written

// claimSpans returns what a batch of these entries claims.
func claimSpans(entries []entry) (spans []claimSpan) {
	for i := range entries {
		level, seq := uint64(entries[i].level), entries[i].seq
		if n := len(spans); n > 0 && spans[n-1][0] == level && spans[n-1][2]+1 == seq {
			spans[n-1][2] = seq
			continue
		}
		spans = append(spans, claimSpan{level, seq, seq})
	}
	return spans
}

// lowest is the lowest number of each level that is claimed.
func lowest(spans []claimSpan) map[uint8]uint64 {
	low := make(map[uint8]uint64)
	for _, s := range spans {
		if was, ok := low[s.level()]; !ok || s[1] < was {
			low[s.level()] = s[1]
		}
	}
	return low
}

// pin keeps the entries that a batch has claimed until it is done, so that its
// bale can be made again from them.
func (r *ready) pin(tag string, spans []claimSpan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pins[tag] = lowest(spans)
}

func (r *ready) unpin(tag string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pins, tag)
}

// pinned is the lowest number of a level that is pinned, or else. The caller
// holds mu.
func (r *ready) pinned(level uint8, or uint64) uint64 {
	for _, low := range r.pins {
		if seq, ok := low[level]; ok {
			or = min(or, seq)
		}
	}
	return or
}

// takenSpans notes what a batch of an earlier run has claimed.
func (r *ready) takenSpans(spans []claimSpan) {
	for _, s := range spans {
		l := r.levels[s.level()]
		if l == nil {
			continue
		}
		for seq := max(s[1], l.head.value.Seq); seq <= s[2]; seq++ {
			l.taken.add(seq)
		}
	}
}
