package sinktest

import (
	"errors"
	"time"

	"github.com/balerhq/baler/sink"
)

// tagged reports whether the provider finds batches by their tag. One that does
// not must be able to list them.
func (s *suite) tagged() bool {
	s.Helper()
	_, err := s.Provider.Find(s.ctx, "any", s.begin)
	if !errors.Is(err, errors.ErrUnsupported) {
		s.must(err)
		return true
	}
	if !s.Provider.Info().Lists {
		s.Fatal("it can neither find batches by their tag nor list them")
	}
	return false
}

// find returns the batches of a tag, or all if the provider keeps none.
func (s *suite) find(tag string) (found []string) {
	s.Helper()
	since := s.begin.Add(-time.Hour)
	if s.tagged() {
		found, err := s.Provider.Find(s.ctx, tag, since)
		s.must(err)
		return found
	}
	for _, l := range s.listed() {
		found = append(found, l.Batch)
	}
	return found
}

// listed is all that the list shows, by batch.
func (s *suite) listed() map[string]sink.Listing {
	s.Helper()
	shown := make(map[string]sink.Listing)
	for l, err := range s.Provider.List(s.ctx, s.begin.Add(-time.Hour)) {
		s.must(err)
		if _, twice := shown[l.Batch]; twice || l.Batch == "" {
			s.Errorf("the list shows %q twice or without a name", l.Batch)
		}
		shown[l.Batch] = l
	}
	return shown
}

func (s *suite) list() {
	if !s.Provider.Info().Lists {
		s.Skip("it cannot list batches")
	}
	tags := map[string]string{}
	for _, tag := range []string{"one", "two"} {
		tags[s.buy(tag, s.good(3)...).Batch] = tag
	}
	s.wantListed(tags, false)
	s.Finish()
	for batch := range tags {
		s.await(sink.Handle{Batch: batch})
	}
	s.wantListed(tags, true)
}

// wantListed fails unless the list shows just these batches of three rows.
func (s *suite) wantListed(tags map[string]string, ended bool) {
	s.Helper()
	shown := s.listed()
	if len(shown) != len(tags) {
		s.Errorf("%d batches are listed, want %d", len(shown), len(tags))
	}
	for batch, tag := range tags {
		l, ok := shown[batch]
		if !s.tagged() {
			tag = ""
		}
		young := l.Created.IsZero() || !l.Created.Before(s.begin.Add(-time.Second)) && !l.Created.After(time.Now())
		if !ok || l.Tag != tag || l.Ended != ended || !young || l.Rows != 3 && (ended || l.Rows != 0) {
			s.Errorf("batch %s of tag %q is listed as %+v", batch, tag, l)
		}
	}
}
