package sink

import (
	"slices"
	"strconv"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/tag"
)

// taker gets the outcome of a row, by its index, and the batch as it then is.
type taker func(in intent.Intent, row int, o *Outcome) error

// matcher matches outcomes to the rows of a batch, so that each row is taken
// once.
type matcher struct {
	tag        string
	rows       []Row
	got        []bool // rows that have an outcome
	came       []bool // rows that this download has brought
	unexpected int    // outcomes in it of no row, or of one that it had brought
	take       taker
}

// newMatcher names the rows after the tag and their index.
func newMatcher(batch string, rows []Row, take taker) matcher {
	for i := range rows {
		rows[i].ID = tag.RowID(batch, strconv.Itoa(i))
	}
	return matcher{tag: batch, rows: rows, got: make([]bool, len(rows)), came: make([]bool, len(rows)), take: take}
}

// yield is the Rows of the batch.
func (m *matcher) yield(yield func(Row, error) bool) {
	for _, row := range m.rows {
		if !yield(row, nil) {
			return
		}
	}
}

// begin starts a download.
func (m *matcher) begin() {
	clear(m.came)
	m.unexpected = 0
}

// match delivers an outcome, unless it is unexpected or its row has one. It
// reports whether the row is one of the batch that this download had not
// brought, and whether the row had no outcome before.
func (m *matcher) match(in intent.Intent, o *Outcome) (received, fresh bool, err error) {
	n, ok := m.index(o)
	if !ok || m.came[n] {
		m.unexpected++
		return false, false, nil
	}
	m.came[n] = true
	if m.got[n] {
		return true, false, nil
	}
	m.got[n] = true
	return true, true, m.take(in, n, o)
}

// index returns the row of an outcome. Only its own spelling of the number
// counts.
func (m *matcher) index(o *Outcome) (n int, ok bool) {
	if o.ID == "" {
		return o.Line - 1, o.Line >= 1 && o.Line <= len(m.rows)
	}
	number, _ := tag.RowName(m.tag, o.ID)
	n, err := strconv.Atoi(number)
	return n, err == nil && n >= 0 && n < len(m.rows) && m.rows[n].ID == o.ID
}

// absent counts the rows that have no outcome.
func (m *matcher) absent() (n int) {
	for _, ok := range m.got {
		if !ok {
			n++
		}
	}
	return n
}

// any reports whether a row has an outcome.
func (m *matcher) any() bool { return slices.Contains(m.got, true) }

// rest gives every row without an outcome this one.
func (m *matcher) rest(in intent.Intent, err *RowError) error {
	for n, ok := range m.got {
		if !ok {
			m.got[n] = true
			if err := m.take(in, n, &Outcome{ID: m.rows[n].ID, Err: err}); err != nil {
				return err
			}
		}
	}
	return nil
}
