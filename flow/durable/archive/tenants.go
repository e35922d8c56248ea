package archive

import (
	"errors"
	"maps"
	"slices"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/segment"
)

// Tenant counts the items of a tenant, as far as they were read.
type Tenant struct {
	Tenant    string `json:"tenant"` // of Job.Tenant; "" has the items that name none
	Rows      int    `json:"rows"`
	Succeeded int    `json:"succeeded"`
	Failed    int    `json:"failed"`
	Cancelled int    `json:"cancelled"` // of a cancelled run, those without a result
	Open      int    `json:"open"`      // in batches that are not settled
}

// Waiting counts the items that are in no batch, and have no result.
func (t *Tenant) Waiting() int {
	return max(t.Rows-t.Succeeded-t.Failed-t.Cancelled-t.Open, 0) // a run goes on while it is read
}

// Tenants counts the items of each tenant, by name. It reads all requests and
// results of the run. The Query says what reads the results; all else in it is
// ignored.
func (a *Archive) Tenants(q Query) ([]Tenant, error) {
	byName := make(map[string]*Tenant)
	settled, err := a.countSettled(q, byName)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(a.countOpen(settled, byName), a.countRead(byName)); err != nil {
		return nil, err
	}
	all := make([]Tenant, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		t := *byName[name]
		if t.Tenant = name; a.cancelled {
			t.Cancelled = t.Rows - t.Succeeded - t.Failed - t.Open
		}
		t.Rows = max(t.Rows, t.Succeeded+t.Failed+t.Open)
		all = append(all, t)
	}
	return all, nil
}

// countsOf returns the counts of the tenant of an item.
func (a *Archive) countsOf(byName map[string]*Tenant, e *jobdir.Entry) *Tenant {
	name := a.TargetOf(int(e.Target)).Tenant
	t := byName[name]
	if t == nil {
		t = new(Tenant)
		byName[name] = t
	}
	return t
}

// rowOf is a row of a batch.
type rowOf struct {
	tag string
	row uint32
}

// countSettled counts results. It returns the rows of batches that have results
// and are not settled as a whole.
func (a *Archive) countSettled(q Query, byName map[string]*Tenant) (settled map[rowOf]bool, err error) {
	from, err := a.begin(Query{})
	if err != nil {
		return nil, err
	}
	settled = make(map[rowOf]bool)
	for s, err := range a.settledAfter(from) {
		if err != nil {
			return nil, err
		}
		t := a.countsOf(byName, s.entry)
		route := a.Routes[s.in.Route]
		var r durable.Result
		if r.SetAnswer(s.Answer(s.entry, route.Model, s.in.Batch, q.codecOf(route))); r.Status == durable.ItemFailed {
			t.Failed++
		} else {
			t.Succeeded++
		}
		if isOpen(s.in) {
			settled[rowOf{s.in.Tag, s.Row}] = true
		}
	}
	return settled, nil
}

// isOpen reports whether a batch may have rows that are neither settled nor
// free.
func isOpen(in intent.Intent) bool {
	return in.State != intent.Committed && in.State != intent.Rejected && !in.Done()
}

// countOpen counts the rows of open batches that have no result.
func (a *Archive) countOpen(settled map[rowOf]bool, byName map[string]*Tenant) error {
	again := make(map[rowOf]bool)
	for i := range a.Chunks {
		for _, span := range a.Chunks[i].Again {
			for row := span[0]; row <= span[1]; row++ {
				again[rowOf{a.Chunks[i].Tag, uint32(row)}] = true //nolint:gosec // bounded by a batch
			}
		}
	}
	for _, in := range a.Intents {
		if !isOpen(in) {
			continue
		}
		entries, err := a.Entries(in.Tag, in.Rows)
		if err != nil {
			return err
		}
		for n := range entries {
			if at := (rowOf{in.Tag, uint32(n)}); !settled[at] && !again[at] { //nolint:gosec // bounded by a batch
				a.countsOf(byName, &entries[n]).Open++
			}
		}
	}
	return nil
}

// countRead counts the items that were read. What a process writes at the
// moment, at the end, is no error.
func (a *Archive) countRead(byName map[string]*Tenant) error {
	end, err := segment.Extent(a.Root, jobdir.RequestDir)
	if err != nil {
		return err
	}
	ended := false
	for g, err := range a.IngestedGroups(end) {
		if errors.Is(err, segment.ErrDamaged) && !ended {
			return nil
		}
		if err != nil {
			return err
		}
		ended = g.Source.Ended
		for i := range g.Entries {
			if int(g.Entries[i].Target) >= len(a.Targets) {
				return nil // it was read after the Archive was opened
			}
			a.countsOf(byName, &g.Entries[i]).Rows++
		}
	}
	return nil
}
