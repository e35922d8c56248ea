package durable

import (
	"maps"
	"slices"
	"sync"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
)

// progress holds the job's Progress and reports each change.
type progress struct {
	mu     sync.Mutex
	value  Progress
	notify func(Progress) // called with mu held, so that the latest comes last
	routes *routes
	asked  int64 // tokens of what this process has read, see Report.InputTokens
}

func (t *progress) update(change func(*Progress)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.value)
	t.notify(t.value)
}

// doubt counts the surplus and suspected batches of an intent.
func (t *progress) doubt(was, in intent.Intent) {
	surplus, suspects := len(in.Surplus)-len(was.Surplus), len(in.Suspects)-len(was.Suspects)
	if surplus != 0 || suspects != 0 {
		t.update(func(p *Progress) { p.Surplus += surplus; p.Suspects += suspects })
	}
}

// count records whether a batch was bought, given back or refused.
func (t *progress) count(was, in intent.Intent) {
	if was.Bought() != in.Bought() || was.Refusals != in.Refusals {
		t.update(func(p *Progress) { p.count(was, in) })
	}
}

func (p *Progress) count(was, in intent.Intent) {
	if was.Bought() {
		p.Batches--
	}
	if in.Bought() {
		p.Batches++
	}
	p.Refused += in.Refusals - was.Refusals
}

func (t *progress) now() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.value
}

// countOutput takes over what was delivered.
func (t *progress) countOutput(s *jobdir.OutputState, p *Progress) {
	p.Succeeded, p.Failed, p.Retried, p.Usage = s.Succeeded, s.Failed, s.Retried, s.Usage()
	p.Resent, p.FromCache, p.Shared, p.Late, p.Unsourced = s.Resent, s.Cached, s.Shared, s.Late, s.Unsourced
	p.Routes = make([]RouteProgress, 0, len(s.Routes))
	for _, n := range slices.Sorted(maps.Keys(s.Routes)) {
		r, done := t.routes.get(n), s.Routes[n]
		p.addRoute(RouteProgress{
			Name: r.Name, Provider: r.Provider, Endpoint: r.Endpoint, Model: r.Model,
			Succeeded: done.Succeeded, Failed: done.Failed, Usage: done.Usage, Cost: done.Cost, List: done.List, Unpriced: done.Unpriced,
		})
	}
}

// addRoute adds to what is counted. Routes that differ in what nobody is told,
// such as their schema, count as one.
func (p *Progress) addRoute(r RouteProgress) {
	i := slices.IndexFunc(p.Routes, func(o RouteProgress) bool {
		return o.Name == r.Name && o.Provider == r.Provider && o.Endpoint == r.Endpoint && o.Model == r.Model
	})
	if i < 0 {
		p.Routes = append(p.Routes, r)
		return
	}
	same := &p.Routes[i]
	same.Succeeded, same.Failed = same.Succeeded+r.Succeeded, same.Failed+r.Failed
	same.Usage = same.Usage.Add(r.Usage)
	same.Cost, same.List, same.Unpriced = same.Cost.Add(r.Cost), same.List.Add(r.List), same.Unpriced+r.Unpriced
}

func (t *progress) ended() bool { return t.now().Read }

func (t *progress) inFlight() int { return t.now().InFlight }

func (t *progress) finished() bool {
	p := t.now()
	return p.Read && p.Settled() == p.Rows
}
