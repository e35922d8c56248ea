package purchase

import (
	"errors"
	"iter"
	"time"

	"github.com/balerhq/baler/internal/intent"
)

const (
	// FindSlack is how much the provider's clock may differ from ours.
	FindSlack = 15 * time.Minute
	// WideSlack is how much further back the list is read when it decides
	// whether a batch is sent again. The clock may have been ahead when the
	// batch was sent.
	WideSlack = 7 * 24 * time.Hour
)

// Listing is a batch as a provider lists it: sink.Listing.
type Listing struct {
	Batch   string
	Tag     string
	Created time.Time
	Age     time.Duration
	Rows    int
	Ended   bool
	File    string
}

// Search finds the batch of an intent at a provider that keeps no tags. The row
// ids of an ended batch show whether it is the one. A batch that has not ended
// may be the one. So may an ended batch whose results do not tell, however long
// ago it ended: nothing is sent again because time has passed.
type Search struct {
	intent.Intent
	Listed iter.Seq2[Listing, error]
	From   time.Time     // when the batch was created at the earliest
	Waited time.Duration // for how long the creation has been given up
	Grace  time.Duration
	// Began is when this process sent the batch, zero if another one did.
	Began time.Time
	// Now is the time by the clock that has set Intent.SentAt.
	Now time.Time
	// TellsTime says that the provider tells its time, which Now then is.
	TellsTime bool
	Owners    *Owners
	// TagOf returns the tag of a batch that has ended, "" if it is not ours, or
	// ErrSilent.
	TagOf func(batch string) (string, error)
}

// Find returns the batches that are the intent's, and those that may be.
func (s *Search) Find(listed *intent.Listed) error {
	alike, err := s.alike()
	if err != nil {
		return err
	}
	for _, l := range alike {
		switch {
		case s.Owners.Has(l.Batch), l.Tag != "" && l.Tag != s.Tag:
			continue
		case l.Tag == "" && l.Ended:
			l.Tag, err = s.TagOf(l.Batch)
			silent := errors.Is(err, ErrSilent)
			if silent && !s.tooYoung(l) || IsLate(err) {
				listed.Candidates, listed.Window = append(listed.Candidates, l.Batch), 0
			}
			if err != nil && !silent && !IsLate(err) {
				return err
			}
		case l.Tag == "":
			if age := s.agedAtLeast(l); len(listed.Candidates) == 0 || age < listed.Aged {
				listed.Aged = age
			}
			listed.Candidates = append(listed.Candidates, l.Batch)
		}
		if l.Tag == s.Tag {
			listed.Batches = append(listed.Batches, l.Batch)
		}
	}
	return nil
}

// agedAtLeast returns the age of a batch, as far as the provider's word and the
// clock agree.
func (s *Search) agedAtLeast(l Listing) time.Duration {
	return max(min(l.Age, s.Now.Sub(s.SentAt)), 0)
}

// alike lists all batches that could be the intent's, by their size and time.
// It reads the whole list before any batch is compared with the known ones. The
// owner of a batch that is created meanwhile is then known.
func (s *Search) alike() (found []Listing, err error) {
	for l, err := range s.Listed {
		if err != nil {
			return nil, err
		}
		early := !l.Created.IsZero() && l.Created.Before(s.From) || s.tooOld(l)
		late := !l.Ended && s.tooYoung(l)
		if (l.Rows == 0 || l.Rows == s.Requests()) && !early && !late {
			found = append(found, l)
		}
	}
	return found, nil
}

// tooOld reports whether a batch existed before this process sent the intent's.
// The batch's age shows that, whatever the clock says or said.
func (s *Search) tooOld(l Listing) bool {
	return s.Open() && !s.Began.IsZero() && l.Age > time.Since(s.Began)+FindSlack
}

// tooYoung reports whether a batch was made when the intent's could no longer
// be made. The batch's age shows that, whatever the clock says or said.
func (s *Search) tooYoung(l Listing) bool {
	switch {
	case !s.Open():
		return false
	case l.Age > 0:
		return l.Age+s.Grace+FindSlack < s.Waited
	}
	slack := FindSlack
	if !s.TellsTime {
		slack = WideSlack
	}
	return l.Created.After(s.Appears(s.Grace).Add(slack))
}
