package durable

import (
	"context"
	"slices"
	"sync"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
)

// mostCreations is how many batches of a route are created at once at most. What
// they wait for is mostly the disk, which syncs those of several together.
const mostCreations = 8

// creations are the lanes in which batches are created, by route.
type creations struct {
	mu    sync.Mutex
	lanes map[int]*creationLane
}

// untagged is the lane of all batches that can be found only by their size and
// time if their creation is not answered. They are created one at a time, so
// that one of them is easier to identify.
const untagged = -1

// lane returns the lane of a batch. It is nil, which lets all pass, if the batch is
// made on this machine, where it is found in any case.
func (c *creations) lane(in intent.Intent, info sink.Info) *creationLane {
	key, bound := untagged, 1
	switch {
	case info.Live:
		return nil
	case info.Tags == sink.TagMetadata, info.Tags == sink.TagName:
		key, bound = in.Route, mostCreations
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l, ok := c.lanes[key]
	if !ok {
		if c.lanes == nil {
			c.lanes = make(map[int]*creationLane)
		}
		l = &creationLane{bound: bound, most: 1}
		c.lanes[key] = l
	}
	return l
}

// creationLane bounds how many batches are created at once. The first is created
// alone. Each one that the provider takes lets one more be under way, and one that
// it does not take, or does not answer, lets one at a time again. So a provider that
// refuses batches is asked about few of them.
type creationLane struct {
	bound int

	mu      sync.Mutex
	most    int // that may be under way, up to the bound
	under   int
	denials int             // that were recorded
	waiting []chan struct{} // in the order of their arrival; closed when it is their turn
}

// enter waits until a batch may be created. After it has returned no error, the
// caller must call leave. Since is for taken.
func (l *creationLane) enter(ctx context.Context) (since int, err error) {
	if l == nil {
		return 0, nil
	}
	turn := l.queue()
	select {
	case <-turn:
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.denials, nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if at := slices.Index(l.waiting, turn); at >= 0 {
		l.waiting = slices.Delete(l.waiting, at, at+1)
	} else { // its turn has come at the same moment
		l.under--
		l.next()
	}
	return 0, context.Cause(ctx)
}

func (l *creationLane) queue() (turn chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	turn = make(chan struct{})
	l.waiting = append(l.waiting, turn)
	l.next()
	return turn
}

// next lets those pass whose turn it is. The caller holds mu.
func (l *creationLane) next() {
	for len(l.waiting) > 0 && l.under < l.most {
		l.under++
		close(l.waiting[0])
		l.waiting = l.waiting[1:]
	}
}

// leave ends what enter began.
func (l *creationLane) leave() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.under--
	l.next()
}

// taken records that the provider has taken a batch. It means nothing if another
// was denied since that one has entered.
func (l *creationLane) taken(since int) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if since == l.denials {
		l.most = min(l.most+1, l.bound)
		l.next()
	}
}

// denied records that the provider has not taken a batch, or not answered.
func (l *creationLane) denied() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.denials++
	l.most = 1
}
