package durable

import (
	"slices"
	"sync"
	"time"
)

// callbacks calls Job.Progress, Job.Notify and Job.Observe outside all locks,
// one call at a time, in a goroutine that lasts as long as there is something
// to report. A slow call holds up nothing: only the latest Progress, of each
// kind and batch the latest Notice, and a bounded number of Events wait for it.
type callbacks struct {
	job        string
	onProgress func(Progress) // nil if nobody asks
	onNotice   func(Notice)   // the same
	onEvent    func(Event)    // the same

	mu       sync.Mutex
	progress Progress
	changed  bool     // progress is not reported yet
	notices  []Notice // not reported yet, the oldest first
	events   []Event  // not reported yet, in order
	seq      uint64   // of the last event
	calling  chan struct{}
	idle     chan struct{}
}

// reportProgress reports the counts. They replace those that still wait.
func (c *callbacks) reportProgress(p Progress) {
	if c.onProgress == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress, c.changed = p, true
	c.start()
}

// reportNotice reports a notice. It replaces one of its kind and batch that
// still waits, whose Times it includes.
func (c *callbacks) reportNotice(n Notice) {
	if c.onNotice == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	same := func(v Notice) bool { return v.Kind == n.Kind && v.Tag == n.Tag }
	c.notices = append(slices.DeleteFunc(c.notices, same), n)
	c.start()
}

// These bound how many events wait. Those of rows are the many; the others
// still find room when those do not.
const (
	maxRowEvents = 1 << 14
	maxEvents    = 2 * maxRowEvents
)

// reportEvent reports an event, unless too many wait.
func (c *callbacks) reportEvent(e Event) {
	if c.onEvent != nil {
		c.reportEvents(1, maxEvents, func(int) Event { return e })
	}
}

// reportRows reports results. Those that find too many events waiting are left
// out.
func (c *callbacks) reportRows(results []Result) {
	if c.onEvent != nil && len(results) > 0 {
		rows := rowEvents(results)
		c.reportEvents(len(rows), maxRowEvents, func(i int) Event { return Event{Row: &rows[i]} })
	}
}

func (c *callbacks) reportEvents(n, limit int, event func(i int) Event) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = slices.Grow(c.events, max(0, min(n, limit-len(c.events))))
	for i := range n {
		c.seq++
		if len(c.events) < limit {
			e := event(i)
			e.V, e.Seq, e.At, e.Job = EventVersion, c.seq, now, c.job
			c.events = append(c.events, e)
		}
	}
	c.start()
}

// start starts the goroutine, unless there is one.
func (c *callbacks) start() {
	if c.idle != nil {
		return
	}
	c.idle = make(chan struct{})
	go func() {
		for call := c.next(); call != nil; call = c.next() {
			call()
		}
	}()
}

// next returns the next call. If there is none, it ends the goroutine.
func (c *callbacks) next() (call func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calling != nil {
		close(c.calling)
		c.calling = nil
	}
	switch {
	case c.changed:
		p := c.progress
		c.changed, call = false, func() { c.onProgress(p) }
	case len(c.notices) > 0:
		n := c.notices[0]
		c.notices, call = c.notices[1:], func() { c.onNotice(n) }
	case len(c.events) > 0:
		events := c.events
		c.events, call = nil, func() {
			for i := range events {
				c.onEvent(events[i])
			}
		}
	default:
		close(c.idle)
		c.idle = nil
		return nil
	}
	c.calling = make(chan struct{})
	return call
}

// running returns a channel that is closed when the call that is under way
// returns. It is nil if there is none.
func (c *callbacks) running() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calling
}

// done returns a channel that is closed when all is reported.
func (c *callbacks) done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle != nil {
		return c.idle
	}
	idle := make(chan struct{})
	close(idle)
	return idle
}
