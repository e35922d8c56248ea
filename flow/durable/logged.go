package durable

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
)

// logged is one line of the journal, of which one field is set, or two. A line is
// durable before the store knows of it, so that the store can be made again
// from the journal, the requests and the bales.
type logged struct {
	Job     *jobMeta       `json:"job,omitempty"`
	Lane    *numberedLane  `json:"lane,omitempty"`
	Intent  *intent.Intent `json:"intent,omitempty"`
	Claims  []claimSpan    `json:"claims,omitempty"` // of an intent that is sealed
	Settled *settled       `json:"settled,omitempty"`
	Output  *outputState   `json:"output,omitempty"`  // is taken back to here
	Pruned  *ending        `json:"pruned,omitempty"`  // of all this, only the journal is left
	Keep    *time.Duration `json:"keep,omitempty"`    // Job.KeepRemote, if it is not what it was
	Seen    []string       `json:"seen,omitempty"`    // tags of batches that were bought without this journal, and given up
	Removed []string       `json:"removed,omitempty"` // tags of which the provider has nothing any more
	Account *sameAccounts  `json:"account,omitempty"` // two keys that are of one account
}

// settled is what became of the outcomes of a batch between From and Until: all
// are handed on, but for the rows that go Again. If a crash came before the
// store knew of it, an Output of an earlier one follows and undoes it, or a line
// of the same From and replaces it.
type settled struct {
	Tag    string      `json:"tag"`
	At     time.Time   `json:"at"`
	From   uint64      `json:"from"`
	Until  uint64      `json:"until"`
	Again  []rowSpan   `json:"again,omitempty"`
	Unsent bool        `json:"unsent,omitempty"` // those were not sent: the batch was refused
	Output outputState `json:"output"`

	Failed map[string]int `json:"failed,omitempty"` // items that failed, by their code
}

// allAgain reports whether no outcome was handed on, as of a batch that was
// released without any.
func (s *settled) allAgain() bool {
	again := uint64(0)
	for _, span := range s.Again {
		again += uint64(span[1] - span[0] + 1) //nolint:gosec // a count
	}
	return again == s.Until-s.From
}

// rowSpan is rows of a bale, from the first to the last of them, counted from 0.
type rowSpan [2]int

// addRow adds a row to spans that are mostly in order.
func addRow(spans []rowSpan, row int) []rowSpan {
	if n := len(spans); n > 0 && spans[n-1][1]+1 == row {
		spans[n-1][1] = row
		return spans
	}
	return append(spans, rowSpan{row, row})
}

// memory is what a journal tells.
type memory struct {
	job     *jobMeta
	lanes   []lane
	intents map[string]intent.Intent
	claims  map[string][]claimSpan // by tag
	output  outputState            // as the last line has it
	before  outputState            // as the line before it had it
	chunks  []settled              // in the order in which they were settled first
	index   map[chunkID]int
	latest  map[string]int // by tag: the chunk that was settled last
	pruned  *ending
	keep    time.Duration
	removed map[string]bool
	same    []sameAccounts
	seen    map[string]bool
}

// chunkID is how chunks are known that replace one another.
type chunkID struct {
	tag  string
	from uint64
}

func newMemory() *memory {
	return &memory{
		intents: make(map[string]intent.Intent), claims: make(map[string][]claimSpan),
		index: make(map[chunkID]int), latest: make(map[string]int), removed: make(map[string]bool), seen: make(map[string]bool),
	}
}

// replay takes in one line.
func (m *memory) replay(record []byte) error {
	var l logged
	if err := json.Unmarshal(record, &l); err != nil {
		return err
	}
	switch {
	case l.Job != nil:
		m.job = l.Job
	case l.Lane != nil:
		if l.Lane.N > len(m.lanes) {
			return fmt.Errorf("lane %d follows %d", l.Lane.N, len(m.lanes)-1)
		}
		// A lane of which the number was not used before a crash is replaced.
		m.lanes = append(m.lanes[:l.Lane.N], l.Lane.lane)
	case l.Intent != nil:
		m.intents[l.Intent.Tag] = *l.Intent
		if len(l.Claims) > 0 {
			m.claims[l.Intent.Tag] = l.Claims
		}
	case l.Settled != nil:
		m.before, m.output = m.output, l.Settled.Output
		m.settle(*l.Settled)
	case l.Output != nil:
		m.before, m.output = m.output, *l.Output
	case l.Pruned != nil:
		m.pruned = l.Pruned
	case l.Keep != nil:
		m.keep = *l.Keep
	case l.Account != nil:
		m.same = append(m.same, *l.Account)
	case l.Seen != nil:
		for _, tag := range l.Seen {
			m.seen[tag] = true
		}
	case l.Removed != nil:
		for _, tag := range l.Removed {
			m.removed[tag] = true
		}
	}
	return nil
}

func (m *memory) settle(s settled) {
	id := chunkID{s.Tag, s.From}
	if i, ok := m.index[id]; ok {
		m.chunks[i], m.latest[s.Tag] = s, i
		return
	}
	m.index[id], m.latest[s.Tag] = len(m.chunks), len(m.chunks)
	m.chunks = append(m.chunks, s)
}

// settledUntil is how far the rows of a batch are settled, and how far they were
// before the last chunk of it.
func (m *memory) settledUntil(tag string) (from, until uint64) {
	i, ok := m.latest[tag]
	if !ok {
		return 0, 0
	}
	return m.chunks[i].From, m.chunks[i].Until
}
