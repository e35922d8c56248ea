package jobdir

// ClaimSpan is consecutive rows of a manifest that stand in one level of the ready
// queue: the level, and their numbers from the first to the last. The journal has
// those of each batch, in the order of its rows, so that what a batch has claimed
// is known without its manifest, and the manifest can be made again.
type ClaimSpan [3]uint64

// Level is the priority that the rows wait in.
func (s ClaimSpan) Level() uint8 { return uint8(s[0]) } //nolint:gosec // as it was written

// ClaimSpans returns what a batch of these entries claims.
func ClaimSpans(entries []Entry) (spans []ClaimSpan) {
	for i := range entries {
		level, seq := uint64(entries[i].Level), entries[i].Seq
		if n := len(spans); n > 0 && spans[n-1][0] == level && spans[n-1][2]+1 == seq {
			spans[n-1][2] = seq
			continue
		}
		spans = append(spans, ClaimSpan{level, seq, seq})
	}
	return spans
}

// Lowest is the lowest number of each level that is claimed.
func Lowest(spans []ClaimSpan) map[uint8]uint64 {
	low := make(map[uint8]uint64)
	for _, s := range spans {
		if was, ok := low[s.Level()]; !ok || s[1] < was {
			low[s.Level()] = s[1]
		}
	}
	return low
}
