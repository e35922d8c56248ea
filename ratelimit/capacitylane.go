package ratelimit

import "github.com/balerhq/baler/internal/indexheap"

// lane are the calls that wait for a lane in this process. The first may
// reserve.
type lane struct {
	waiting indexheap.Heap[*laneCall]
	calls   uint64
}

// laneCall is a call that waits for a lane.
type laneCall struct {
	indexheap.Place
	priority int
	nth      uint64
	wake     chan struct{} // it may be the first, or there may be room
}

// Before implements indexheap.Item.
func (l *laneCall) Before(m *laneCall) bool {
	if l.priority != m.priority {
		return l.priority > m.priority
	}
	return l.nth < m.nth
}

// enter lets a call wait for a lane, until leave.
func (c *Capacity) enter(name string, priority int) *laneCall {
	c.once.Do(c.init)
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lanes[name]
	if l == nil {
		l = new(lane)
		c.lanes[name] = l
	}
	l.calls++
	call := &laneCall{priority: priority, nth: l.calls, wake: make(chan struct{}, 1)}
	l.waiting.Push(call)
	return call
}

func (c *Capacity) leave(name string, call *laneCall) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lanes[name].waiting.Remove(call)
	c.wakeFirst(name)
}

func (c *Capacity) isFirst(name string, call *laneCall) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lanes[name].waiting.First() == call
}

// isWaitedFor reports whether a call waits for the lane.
func (c *Capacity) isWaitedFor(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lanes[name] != nil
}

// wake lets the first that waits for the lane try again.
func (c *Capacity) wake(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wakeFirst(name)
}

// wakeFirst wants mu. It forgets a lane that nothing waits for.
func (c *Capacity) wakeFirst(name string) {
	l := c.lanes[name]
	if l == nil {
		return
	}
	if l.waiting.Len() == 0 {
		delete(c.lanes, name)
		return
	}
	select {
	case l.waiting.First().wake <- struct{}{}:
	default: // it tries again anyway
	}
}
