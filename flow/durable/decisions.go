package durable

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/balerhq/baler/internal/intent"
)

// errDecided is why a driver no longer waits for what a person may decide.
var errDecided = errors.New("durable: somebody has decided")

// decisions holds the decisions that this process knows.
type decisions struct {
	mu    sync.Mutex
	made  map[string]string // by tag, or by doubtKey
	moved context.Context   // done when there are more, because of errDecided
	move  context.CancelCauseFunc
}

func newDecisions(made map[string]string) *decisions {
	d := &decisions{made: made}
	d.moved, d.move = context.WithCancelCause(context.Background())
	return d
}

func (d *decisions) set(made map[string]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(made) > len(d.made) { // a decision is never revoked
		d.move(errDecided)
		d.moved, d.move = context.WithCancelCause(context.Background())
	}
	d.made = made
}

// of returns the decision about the missing rows of a batch, "" if there is
// none, and a context that is done when there are more decisions.
func (d *decisions) of(in intent.Intent) (Decision, context.Context) { return d.get(in.Tag) }

// ofDoubt returns the decision about a batch in doubt.
func (d *decisions) ofDoubt(in intent.Intent) (Decision, context.Context) {
	return d.get(doubtKey(in.Tag, in.Creates))
}

func (d *decisions) get(key string) (Decision, context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Decision(d.made[key]), d.moved
}

// doubtKey is the key of a decision about a batch in doubt, which is about so
// many creations of it. If the batch is found before, the decision says nothing
// about rows of it that are missing, nor about a later creation.
func doubtKey(tag string, creates int) string { return fmt.Sprintf("unclear %s %d", tag, creates) }
