package durable

import (
	"sync"

	"github.com/balerhq/baler/internal/intent"
)

// decisions holds the decisions that this process knows.
type decisions struct {
	mu    sync.Mutex
	made  map[string]string // by tag
	moved chan struct{}     // closed when there are more
}

func newDecisions(made map[string]string) *decisions {
	return &decisions{made: made, moved: make(chan struct{})}
}

func (d *decisions) set(made map[string]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(made) > len(d.made) { // a decision is never revoked
		close(d.moved)
		d.moved = make(chan struct{})
	}
	d.made = made
}

// of returns the decision about a batch, "" if there is none, and a channel
// that is closed when there are more decisions.
func (d *decisions) of(in intent.Intent) (Decision, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Decision(d.made[in.Tag]), d.moved
}
