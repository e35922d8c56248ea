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
	p.FromCache, p.Shared = s.Cached, s.Shared
	p.Routes = make([]RouteProgress, 0, len(s.Routes))
	for _, n := range slices.Sorted(maps.Keys(s.Routes)) {
		r, done := t.routes.get(n), s.Routes[n]
		p.Routes = append(p.Routes, RouteProgress{
			Name: r.Name, Provider: r.Provider, Endpoint: r.Endpoint, Model: r.Model,
			Succeeded: done.Succeeded, Failed: done.Failed, Usage: done.Usage,
		})
	}
}

func (t *progress) ended() bool { return t.now().Read }

func (t *progress) inFlight() int { return t.now().InFlight }

func (t *progress) finished() bool {
	p := t.now()
	return p.Read && p.Settled() == p.Rows
}
