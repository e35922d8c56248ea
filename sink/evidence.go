package sink

// Unaccounted returns how many rows of a batch may have run though no result is
// theirs: 0 if all of them have room among those that the provider says it
// never ran, and otherwise all of them.
//
// Of the rows in the batch, came have a result, and of these skipped are
// Skipped: the others must be at least as many as the provider says have run,
// or one of those is absent, and a skipped one has taken its room.
func (s Status) Unaccounted(rows, came, skipped int) int {
	absent := rows - came
	switch {
	case absent <= 0, s.Ended && s.NotRun >= rows:
		return 0
	case !s.Ended, s.Total > 0 && s.Total != rows, came-skipped < s.Succeeded+s.Failed, absent > s.NotRun:
		return absent
	}
	return 0
}
