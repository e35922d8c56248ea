package durable

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/sink/llm"
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

// register is a small record with one writer, kept as JSON.
type register[V any] struct {
	key   []byte
	rev   uint64
	value V
}

// sourceState is how far the source was read.
type sourceState struct {
	Checkpoint string `json:"checkpoint"`
	Rows       int    `json:"rows"`
	Duplicates int    `json:"duplicates"`
	Ended      bool   `json:"ended"`
	Lanes      int    `json:"lanes"` // that its rows may be of

	End segment.Pos `json:"end"` // of the request log
}

// outputState is how far results were handed on.
type outputState struct {
	Mark      string    `json:"mark"`
	Succeeded int       `json:"succeeded"`
	Failed    int       `json:"failed"`
	Cached    int       `json:"cached"`
	Retried   int       `json:"retried"`
	Usage     llm.Usage `json:"usage"`
}

func (s *outputState) settled() int { return s.Succeeded + s.Failed }

func (s *outputState) count(p *Progress) {
	p.Succeeded, p.Failed, p.Retried, p.Usage = s.Succeeded, s.Failed, s.Retried, s.Usage
	p.FromCache = s.Cached
}

// put returns the op that stores the value.
func (r *register[V]) put(value V) (state.Op, error) {
	b, err := json.Marshal(value)
	if err != nil {
		return state.Op{}, fmt.Errorf("durable: encode: %w", err)
	}
	if len(b) > state.MaxValue {
		return state.Op{}, fmt.Errorf("durable: record of %d bytes: at most %d: is the name of the job, or its source's checkpoint, that long?", len(b), state.MaxValue)
	}
	r.rev++
	r.value = value
	return state.Put(r.key, b, r.rev), nil
}
