package liveview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/internal/printable"
)

// lists shows the open batches and the routes in the lines that are left. If
// there are too many of both, each gets half.
func (f *Frame) lists(c *canvas, room int) {
	batches, routes := f.batchLines(), f.routeLines()
	before := len(c.lines)
	f.batchSummary(c)
	room = max(0, room-(len(c.lines)-before))
	head := 0 // the line above the routes
	if len(routes) > 0 {
		head = 1
	}
	forRoutes := min(len(routes)+head, max(room/2, room-len(batches)))
	c.table(batches, room-forRoutes)
	if forRoutes > head {
		c.add(label("routes") + count(len(routes), "route"))
		c.table(routes, forRoutes-head)
	}
}

// submitted is the state of a batch that the provider works on.
const submitted = "submitted"

// batchSummary says how many batches are open, by state, with the age of the
// oldest one.
func (f *Frame) batchSummary(c *canvas) {
	p, open := &f.Status.Progress, f.Status.Open
	parts := []string{thousands(p.Batches) + " bought", thousands(len(open)) + " open"}
	type group struct {
		state  string
		n      int
		oldest durable.OpenBatch
	}
	var groups []group
	for _, b := range open {
		i := slices.IndexFunc(groups, func(g group) bool { return g.state == b.State })
		if i < 0 {
			groups, i = append(groups, group{state: b.State, oldest: b}), len(groups)
		}
		g := &groups[i]
		g.n++
		if !b.SentAt.IsZero() && b.SentAt.Before(g.oldest.SentAt) {
			g.oldest = b
		}
	}
	slices.SortFunc(groups, func(a, b group) int { return cmp.Or(b.n-a.n, strings.Compare(a.state, b.state)) })
	for _, g := range groups {
		text := thousands(g.n) + " " + g.state
		if age := f.age(&g.oldest); age != "" && g.n > 1 {
			text += " (oldest " + age + ")"
		} else if age != "" {
			text += " (" + age + ")"
		}
		parts = append(parts, text)
	}
	if p.Refused > 0 {
		parts = append(parts, thousands(p.Refused)+" refused")
	}
	c.field("batches", parts)
}

// batchLines has the cells of each open batch: those first that a person has to
// decide about, then those at the provider, the oldest first.
func (f *Frame) batchLines() [][]string {
	open := slices.Clone(f.Status.Open)
	rank := func(b *durable.OpenBatch) int {
		switch {
		case b.Undecided:
			return 0
		case b.SentAt.IsZero():
			return 2
		}
		return 1
	}
	slices.SortStableFunc(open, func(a, b durable.OpenBatch) int {
		return cmp.Or(rank(&a)-rank(&b), a.SentAt.Compare(b.SentAt), strings.Compare(a.Tag, b.Tag))
	})
	lines := make([][]string, len(open))
	for i := range open {
		b := &open[i]
		lines[i] = []string{printable.Line(cmp.Or(b.Batch, b.Tag), maxWord), printable.Line(stateOf(b), maxWord), answered(b), f.age(b)}
	}
	return lines
}

// stateOf is the provider's word for the state of a batch, or ours.
func stateOf(b *durable.OpenBatch) string {
	switch {
	case b.Undecided:
		return "waits for \"baler settle\""
	case b.State == submitted && b.Phase != "":
		return b.Phase
	}
	return b.State
}

// answered is the provider's own count.
func answered(b *durable.OpenBatch) string {
	switch {
	case b.Missing > 0:
		return fmt.Sprintf("%s of %s missing", thousands(b.Missing), thousands(b.Rows))
	case b.State == submitted && b.Ran > 0:
		return thousands(b.Ran) + " of " + thousands(b.Rows)
	}
	return count(b.Rows, "row")
}

func (f *Frame) age(b *durable.OpenBatch) string {
	if b.SentAt.IsZero() {
		return ""
	}
	return span(f.Now.Sub(b.SentAt))
}

// routeLines has the cells of each route, if there are several.
func (f *Frame) routeLines() [][]string {
	if len(f.Status.Routes) < 2 {
		return nil
	}
	lines := make([][]string, len(f.Status.Routes))
	for i, r := range f.Status.Routes {
		name := r.Model
		if r.Name != "" {
			name = r.Name + ": " + r.Model
		}
		lines[i] = []string{
			printable.Line(name, maxWord), printable.Line(r.Provider+" "+r.Endpoint, maxWord),
			thousands(r.Succeeded) + " succeeded", alarm(r.Failed, thousands(r.Failed)+" failed"),
		}
	}
	return lines
}
