package durable

import (
	"errors"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/llm/price"
)

// Reuse counts calls that got an answer of a run without an item of their own.
// Their caller keeps the answers and counts them, as flow/intercept does. None
// of them is among the items of the run, nor in what it has saved.
type Reuse struct {
	Hits   int         `json:"hits"`   // got an answer that was there
	Shared int         `json:"shared"` // waited for the item of another call
	Saved  price.Money `json:"saved"`  // what these answers cost at the price for single requests, where that is known
	// Unpriced counts the answers of which that is not known.
	Unpriced int       `json:"unpriced,omitempty"`
	Since    time.Time `json:"since"` // when the counts began
}

// Calls returns how many calls are counted.
func (r *Reuse) Calls() int { return r.Hits + r.Shared }

// Add returns the counts of both, since the earlier one began.
func (r Reuse) Add(other Reuse) Reuse {
	sum := Reuse{r.Hits + other.Hits, r.Shared + other.Shared, r.Saved.Add(other.Saved), r.Unpriced + other.Unpriced, r.Since}
	if sum.Since.IsZero() || !other.Since.IsZero() && other.Since.Before(sum.Since) {
		sum.Since = other.Since
	}
	return sum
}

// AddReuse adds counts to those that the Status of the run shows, and returns
// the sum. It may be called whether a process runs the run or not, but not twice
// at a time. Counts whose file is damaged begin anew.
func (h *Handle) AddReuse(more Reuse) (Reuse, error) {
	kept, err := readReuse(h.dir)
	if err != nil && !errors.Is(err, state.ErrDamaged) {
		return kept, err
	}
	sum := kept.Add(more)
	return sum, h.dir.Write(rundir.ReuseFile, sum)
}

func readReuse(d rundir.Dir) (r Reuse, err error) {
	var kept Reuse
	if _, err = d.Read(rundir.ReuseFile, &kept); err == nil {
		r = kept
	}
	return r, err
}

// showReuse adds the counts to a status. Damaged ones are left out: the doctor
// tells of them.
func (s *snapshot) showReuse(d rundir.Dir) error {
	r, err := readReuse(d)
	if err != nil && !errors.Is(err, state.ErrDamaged) {
		return err
	}
	if r.Calls() > 0 {
		s.Reuse = &r
	}
	return nil
}
