package durable

import (
	"errors"
	"sync"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
)

// These limit the waits after refusals.
const (
	maxRefusalWait = 10 * time.Minute
	trialTime      = maxRefusalWait // the longest time for which a batch on trial keeps others waiting
)

// throttles pace the creations of routes whose batches the provider refuses.
// After each refusal in a row, all batches of the route wait longer. Then one
// batch at a time is on trial until the provider accepts it.
type throttles struct {
	now func() time.Time // the provider's time, if it reports one

	mu     sync.Mutex
	routes map[int]*throttle
	rooms  map[int]string // by route: what they share the room of
}

// throttle is the throttle of one route.
type throttle struct {
	under map[string]presence // batches that the provider has or is about to get
	moved chan struct{}       // closed when something changes

	refusals int       // in a row
	since    time.Time // when the first of them came
	last     time.Time // when the last one came
	until    time.Time // no creation before
	alone    int       // refusals in a row while nothing else of ours was under way
	notice   string    // the tag of the first, under which the notice is raised

	full   bool  // refused because too much is enqueued
	room   int   // how many batches fit, if full
	spare  int   // how many more are tried beyond those known to fit
	tokens int64 // tokens that may be enqueued, if the provider said so
	why    error // the error that said it
}

// presence says since when the provider has a batch of a route, and whether it
// has accepted it.
type presence struct {
	since    time.Time
	accepted bool
}

func newThrottles(now func() time.Time) *throttles {
	return &throttles{now: now, routes: make(map[int]*throttle), rooms: make(map[int]string)}
}

// of returns the throttle of a route. The caller holds mu.
func (t *throttles) of(route int) *throttle {
	l, ok := t.routes[route]
	if !ok {
		l = &throttle{under: make(map[string]presence), moved: make(chan struct{})}
		t.routes[route] = l
	}
	return l
}

// signal wakes all waiting callers. The caller holds mu.
func (l *throttle) signal() {
	close(l.moved)
	l.moved = make(chan struct{})
}

// enter lets a batch be created, or returns when it may be: at that time, if it
// is not zero, or when moved is closed. A batch that has entered and is not
// known to be accepted may enter again.
func (t *throttles) enter(in intent.Intent, room string) (ok bool, at time.Time, moved <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rooms[in.Route] = room
	l, now := t.of(in.Route), time.Now()
	if ok, at = l.may(in.Tag, now); ok {
		l.under[in.Tag] = presence{since: now}
	}
	return ok, at, l.moved
}

// may decides whether a batch may be created now.
func (l *throttle) may(tag string, now time.Time) (ok bool, at time.Time) {
	if _, entered := l.under[tag]; entered || l.refusals == 0 && !l.full {
		return true, at
	}
	if l.full && len(l.under) < l.room {
		return true, at
	}
	trial := time.Time{}
	for _, p := range l.under {
		if ends := p.since.Add(trialTime); !p.accepted && now.Before(ends) && ends.After(trial) {
			trial = ends
		}
	}
	if at = later(l.until, trial); now.Before(at) {
		return false, at
	}
	return true, at
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// leave records that the provider does not have the batch, or not any more.
func (t *throttles) leave(in intent.Intent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.of(in.Route)
	if _, ok := l.under[in.Tag]; ok {
		delete(l.under, in.Tag)
		l.signal()
	}
}

// accept records that the provider runs the batch or has run it. It returns the
// tag of the notice about the route's refusals, which are over now.
func (t *throttles) accept(in intent.Intent) (notice string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.of(in.Route)
	p, ok := l.under[in.Tag]
	if !ok || p.accepted {
		return ""
	}
	l.under[in.Tag] = presence{p.since, true}
	notice, l.notice = l.notice, ""
	l.refusals, l.alone = 0, 0
	if l.full && len(l.under) > l.room {
		l.spare = max(1, 2*l.spare)
		l.room, l.until = len(l.under)+l.spare, time.Time{}
	}
	l.signal()
	return notice
}

// refused is what a refusal means for its route.
type refused struct {
	refusals int
	since    time.Time
	until    time.Time
	alone    int // refusals in a row while nothing else of ours was under way
	others   int // number of our batches that are under way
	room     int // number of those on the route, if it is full
	notice   string
}

// refuse records that the provider refused a batch, and returns what that
// means. Batches that were sent together are refused together, which counts
// once.
func (t *throttles) refuse(in intent.Intent, refusal error, base time.Duration) refused {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, now := t.of(in.Route), t.now()
	delete(l.under, in.Tag)
	others := t.underWay(in.Route)
	fresh := l.refusals == 0 || in.SentAt.After(l.last)
	if fresh {
		if l.refusals++; l.refusals == 1 {
			l.since, l.notice = now, in.Tag
		}
		l.last = now
	}
	full := errors.Is(refusal, sink.ErrFull)
	other := l.full != full // what is waited for is another thing now
	l.full, l.room, l.spare = full, 0, 0
	if full {
		l.room = len(l.under)
	}
	if said, ok := errors.AsType[*sink.FullError](refusal); ok {
		l.tokens, l.why = said.Tokens, refusal
	}
	switch {
	case others > 0:
		l.alone = 0
	case fresh && full:
		l.alone++
	}
	if fresh || other || others == 0 {
		l.until = time.Now().Add(l.wait(base, others))
	}
	l.signal()
	return refused{l.refusals, l.since, l.until, l.alone, others, l.room, l.notice}
}

// wait returns for how long nothing is created. The end of our own batches is
// noticed when it comes, so the wait is for batches of other jobs.
func (l *throttle) wait(base time.Duration, others int) time.Duration {
	if l.full && others > 0 {
		return max(base, maxRefusalWait)
	}
	return max(base, min(base<<min(l.refusals-1, 12), maxRefusalWait))
}

// underWay counts the batches that share the route's room. The caller holds mu.
func (t *throttles) underWay(route int) (n int) {
	for other, l := range t.routes {
		if t.rooms[other] == t.rooms[route] {
			n += len(l.under)
		}
	}
	return n
}

// smaller records that the route's next batches are smaller. If they are
// certainly small enough, they need not wait.
func (t *throttles) smaller(route int, certain bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.of(route)
	l.alone = 0
	if certain {
		l.until, l.refusals = time.Time{}, min(l.refusals, 1)
	}
	l.signal()
}

// limit returns how many tokens of a route may be enqueued, 0 if the provider
// has not said so, and the refusal that said it.
func (t *throttles) limit(route int) (tokens int64, refusal error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.of(route).tokens, t.of(route).why
}

// widen notes that a batch has ended well: what the provider said of the limit
// of its route may be higher by now.
func (t *throttles) widen(in intent.Intent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.of(in.Route); l.tokens > 0 {
		l.tokens += in.Tokens/widening + 1
	}
}

// noticeOf returns the tag of the notice about a route's refusals, "" if there
// are none.
func (t *throttles) noticeOf(route int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.of(route).notice
}

// recover adds a batch of an earlier process.
func (t *throttles) recover(in intent.Intent, room string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rooms[in.Route] = room
	l := t.of(in.Route)
	switch in.State { //nolint:exhaustive // in all others the provider is done with it
	case intent.Creating, intent.Unknown, intent.Held, intent.Submitted:
		l.under[in.Tag] = presence{since: in.SentAt}
	case intent.Sealed, intent.Uploaded:
		if r := in.Reason; r != nil && r.Times > l.refusals {
			now := t.now() // the clock may have been put back
			l.refusals, l.since, l.last, l.notice = r.Times, earlier(r.Since, now), earlier(in.SentAt, now), in.Tag
			l.until = earlier(in.Again, time.Now().Add(maxRefusalWait))
			l.full, l.room = r.Room > 0, r.Room // some of these may have ended meanwhile
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
