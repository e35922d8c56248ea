package jobdir

import (
	"time"

	"github.com/balerhq/baler/internal/intent"
)

// Line is one line of the journal, of which one field is set, or two. A line is
// durable before the store knows of it, so that the store can be made again
// from the journal, the requests and the manifests.
type Line struct {
	Job     *Meta          `json:"job,omitempty"`
	Route   *NumberedRoute `json:"lane,omitempty"`
	Intent  *intent.Intent `json:"intent,omitempty"`
	Claims  []ClaimSpan    `json:"claims,omitempty"` // of an intent that is sealed
	Settled *Settled       `json:"settled,omitempty"`
	Output  *OutputState   `json:"output,omitempty"`  // is taken back to here
	Pruned  *Ending        `json:"pruned,omitempty"`  // of all this, only the journal is left
	Keep    *time.Duration `json:"keep,omitempty"`    // Job.KeepRemote, if it is not what it was
	Seen    []string       `json:"seen,omitempty"`    // tags of batches that were bought without this journal, and given up
	Removed []string       `json:"removed,omitempty"` // tags of which the provider has nothing any more
	Account *AccountAlias  `json:"account,omitempty"` // two keys that are of one account
}

// Settled is what became of the outcomes of a batch between From and Until: all
// are handed on, but for the rows that go Again. If a crash came before the
// store knew of it, an Output of an earlier one follows and undoes it, or a line
// of the same From and replaces it.
type Settled struct {
	Tag    string      `json:"tag"`
	At     time.Time   `json:"at"`
	From   uint64      `json:"from"`
	Until  uint64      `json:"until"`
	Again  []RowSpan   `json:"again,omitempty"`
	Unsent bool        `json:"unsent,omitempty"` // those were not sent: the batch was refused
	Output OutputState `json:"output"`

	Failed map[string]int `json:"failed,omitempty"` // items that failed, by their code
}

// AllAgain reports whether no outcome was handed on, as of a batch that was
// released without any.
func (s *Settled) AllAgain() bool {
	again := uint64(0)
	for _, span := range s.Again {
		again += uint64(span[1] - span[0] + 1) //nolint:gosec // a count
	}
	return again == s.Until-s.From
}

// RowSpan is rows of a manifest, from the first to the last of them, counted from 0.
type RowSpan [2]int

// AddRow adds a row to spans that are mostly in order.
func AddRow(spans []RowSpan, row int) []RowSpan {
	if n := len(spans); n > 0 && spans[n-1][1]+1 == row {
		spans[n-1][1] = row
		return spans
	}
	return append(spans, RowSpan{row, row})
}

// settledUntil is how far the rows of a batch are settled, and how far they were
// before the last chunk of it.
func (m *Replayed) settledUntil(tag string) (from, until uint64) {
	i, ok := m.latest[tag]
	if !ok {
		return 0, 0
	}
	return m.Chunks[i].From, m.Chunks[i].Until
}
