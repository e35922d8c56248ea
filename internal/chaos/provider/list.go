package provider

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// listPage is a part of the list of batches.
type listPage struct {
	batches []*BatchRecord
	at      time.Time // the state in which they are shown
	more    bool
}

// page draws what the list shows, newest first. The query names the last batch
// of the page before.
func (s *server) page(r *http.Request, query, workspace string) listPage {
	now := time.Now()
	at := s.stale(now)
	limit := number(r, "limit", 20)
	if s.plan.PageSize > 0 {
		limit = min(limit, s.plan.PageSize)
	}
	var all []*BatchRecord
	for _, b := range slices.Backward(s.batches) {
		if b.Workspace == workspace && !b.removed && b.isListed(now, at, s.plan.Grace) {
			all = append(all, b)
		}
	}
	slices.SortStableFunc(all, func(a, b *BatchRecord) int { return b.Created.Compare(a.Created) })
	start := 0
	if after := r.URL.Query().Get(query); after != "" {
		start = 1 + slices.IndexFunc(all, func(b *BatchRecord) bool { return b.ID == after })
	}
	cycle := s.dice.roll(ListCycle, strconv.Itoa(start))
	switch {
	case cycle:
		start = max(0, start-limit)
	case start > 0 && s.dice.roll(ListOverlap, strconv.Itoa(start)):
		start--
	}
	end := min(len(all), start+limit)
	part := slices.Clone(all[start:end])
	if s.dice.roll(ListShuffled, strconv.Itoa(start)) {
		s.dice.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
	}
	return listPage{part, at, cycle || end < len(all)}
}

// stale draws the time whose state the list shows.
func (s *server) stale(now time.Time) time.Time {
	if !s.dice.roll(ListStale, "") {
		return now
	}
	return now.Add(-s.dice.between(0, s.plan.Grace/3))
}

// isListed reports whether a list of a time in the past shows the batch. One
// that was late already is not withheld for longer, as it has to be listed
// within the grace.
func (b *BatchRecord) isListed(now, at time.Time, grace time.Duration) bool {
	if b.Listed.After(b.Created) || b.Created.Sub(b.Received) > grace/10 {
		at = now
	}
	return !at.Before(b.Created) && !at.Before(b.Listed)
}

// other is another batch, if there is one.
func (s *server) other(b *BatchRecord) *BatchRecord {
	for range 10 {
		if o := s.batches[s.dice.IntN(len(s.batches))]; o != b && o.raw == nil && time.Now().After(o.Created) {
			return o
		}
	}
	return b
}

func number(r *http.Request, name string, otherwise int) int {
	if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}
