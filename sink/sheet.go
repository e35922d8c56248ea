package sink

import (
	"slices"
	"strconv"

	"github.com/balerhq/baler/internal/tag"
)

// taker gets the outcome of a row, by its index.
type taker func(batch string, row int, o *Outcome) error

// sheet ticks off the rows of a batch, so that each is taken once.
type sheet struct {
	tag    string
	rows   []Row
	ticked []int // the reading that brought the row's outcome; 0 for none
	now    int   // the reading that is under way
	strays int   // outcomes in it of no row, or of one that it had brought
	give   taker
}

// newSheet names the rows after the tag, so that no row of another batch can be
// taken for one of them.
func newSheet(batch string, rows []Row, give taker) sheet {
	for i := range rows {
		rows[i].ID = tag.RowID(batch, strconv.Itoa(i))
	}
	return sheet{tag: batch, rows: rows, ticked: make([]int, len(rows)), give: give}
}

// all is the Rows of the batch.
func (s *sheet) all(yield func(Row, error) bool) {
	for _, row := range s.rows {
		if !yield(row, nil) {
			return
		}
	}
}

// begin starts to read the outcomes, from the first or once more.
func (s *sheet) begin() { s.now, s.strays = s.now+1, 0 }

// take gives an outcome on, unless its row is unknown or has one, and reports
// whether it did.
func (s *sheet) take(batch string, o *Outcome) (fresh bool, err error) {
	n, ok := s.index(o)
	if !ok || s.ticked[n] == s.now {
		s.strays++
		return false, nil
	}
	first := s.ticked[n] == 0
	s.ticked[n] = s.now
	if !first {
		return false, nil
	}
	return true, s.give(batch, n, o)
}

// came counts the rows that this reading has brought.
func (s *sheet) came() int { return s.count(func(reading int) bool { return reading == s.now }) }

// absent counts the rows that have no outcome.
func (s *sheet) absent() int { return s.count(func(reading int) bool { return reading == 0 }) }

func (s *sheet) count(is func(reading int) bool) (n int) {
	for _, reading := range s.ticked {
		if is(reading) {
			n++
		}
	}
	return n
}

// index finds the row of an outcome. Its own spelling of the number is the only
// one that counts.
func (s *sheet) index(o *Outcome) (n int, ok bool) {
	if o.ID == "" {
		return o.Line - 1, o.Line >= 1 && o.Line <= len(s.rows)
	}
	number, _ := tag.RowName(s.tag, o.ID)
	n, err := strconv.Atoi(number)
	return n, err == nil && n >= 0 && n < len(s.rows) && s.rows[n].ID == o.ID
}

// some reports whether any row has an outcome.
func (s *sheet) some() bool {
	return slices.ContainsFunc(s.ticked, func(reading int) bool { return reading > 0 })
}

// rest gives every row that has no outcome this one.
func (s *sheet) rest(batch string, err *RowError) error {
	for n, reading := range s.ticked {
		if reading == 0 {
			s.ticked[n] = s.now
			if err := s.give(batch, n, &Outcome{ID: s.rows[n].ID, Err: err}); err != nil {
				return err
			}
		}
	}
	return nil
}
