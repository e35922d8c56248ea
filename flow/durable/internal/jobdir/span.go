package jobdir

// ClaimSpan is a run of consecutive rows of a manifest whose entries are
// consecutive in one log of the ready log: the level, and the first and last
// number. The journal has the spans of each batch, in the order of its rows. So
// the entries that a batch has claimed are known without its manifest, and the
// manifest can be made again.
type ClaimSpan [3]uint64

// Level returns the level whose log holds the rows.
func (s ClaimSpan) Level() uint8 { return uint8(s[0]) } //nolint:gosec // as it was written

// ClaimSpans returns the spans that a batch of these entries claims.
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

// Lowest returns the lowest claimed number of each level.
func Lowest(spans []ClaimSpan) map[uint8]uint64 {
	low := make(map[uint8]uint64)
	for _, s := range spans {
		if was, ok := low[s.Level()]; !ok || s[1] < was {
			low[s.Level()] = s[1]
		}
	}
	return low
}
