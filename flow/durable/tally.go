package durable

import (
	"sync"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
)

// tally is the job's Progress, which is told of each change.
type tally struct {
	mu     sync.Mutex
	now    Progress
	notify func(Progress)
}

func (t *tally) update(change func(*Progress)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.now)
	t.notify(t.now)
}

// doubt counts what an intent in doubt has more than it needs.
func (t *tally) doubt(was, in intent.Intent) {
	surplus, suspects := len(in.Surplus)-len(was.Surplus), len(in.Suspects)-len(was.Suspects)
	if surplus != 0 || suspects != 0 {
		t.update(func(p *Progress) { p.Surplus += surplus; p.Suspects += suspects })
	}
}

// count takes note of whether a batch was bought, or given back, or refused.
func (t *tally) count(was, in intent.Intent) {
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

func (t *tally) progress() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now
}

func countOutput(s *jobdir.OutputState, p *Progress) {
	p.Succeeded, p.Failed, p.Retried, p.Usage = s.Succeeded, s.Failed, s.Retried, s.Usage
	p.FromCache = s.Cached
}

func (t *tally) ended() bool { return t.progress().Read }

func (t *tally) inFlight() int { return t.progress().InFlight }

func (t *tally) finished() bool {
	p := t.progress()
	return p.Read && p.Settled() == p.Rows
}
