package durable

import (
	"errors"
	"sync"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
)

// Bounds of the waits after refusals.
const (
	maxRefusalWait = 10 * time.Minute
	trialTime      = maxRefusalWait // after which a batch on trial no longer keeps others waiting
)

// throttles pace the creations of the lanes whose batches the provider refuses.
// Refusals in a row make for longer and longer waits, by which all batches of the
// lane go: only one at a time is on trial, until the provider accepts it.
type throttles struct {
	now func() time.Time // the time by which batches are sent, which need not be this machine's

	mu     sync.Mutex
	routes map[int]*throttle
	models map[int]string // of the lanes
}

// throttle is that of a lane.
type throttle struct {
	under map[string]presence // batches that the provider has, or is about to get
	moved chan struct{}       // closed when something changes

	refusals int       // in a row
	since    time.Time // when the first of them came
	last     time.Time // when the last one came
	until    time.Time // no creation before
	alone    int       // refusals in a row while nothing else of ours was under way
	notice   string    // by which the refusals are told: the tag of the first

	full   bool  // refused because too much is enqueued
	room   int   // how many batches fit, if full
	spare  int   // how many more are tried than are known to fit
	tokens int64 // that may be enqueued, as far as the provider said
	why    error // its words
}

// presence is where a batch of a lane stands.
type presence struct {
	since    time.Time
	accepted bool
}

func newThrottles(now func() time.Time) *throttles {
	return &throttles{now: now, routes: make(map[int]*throttle), models: make(map[int]string)}
}

// of returns the throttle of a lane. The caller holds mu.
func (t *throttles) of(lane int) *throttle {
	l, ok := t.routes[lane]
	if !ok {
		l = &throttle{under: make(map[string]presence), moved: make(chan struct{})}
		t.routes[lane] = l
	}
	return l
}

// signal lets those look again who wait. The caller holds mu.
func (l *throttle) signal() {
	close(l.moved)
	l.moved = make(chan struct{})
}

// enter lets a batch be created, or says when it may be: at that time, if it is
// not zero, or when moved is closed. A batch that has entered and is still not
// known to be accepted may enter again.
func (t *throttles) enter(in intent.Intent, model string) (ok bool, at time.Time, moved <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.models[in.Route] = model
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

// leave says that the provider does not have the batch, or not any more.
func (t *throttles) leave(in intent.Intent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.of(in.Route)
	if _, ok := l.under[in.Tag]; ok {
		delete(l.under, in.Tag)
		l.signal()
	}
}

// accept says that the provider runs the batch, or has run it. It returns the tag
// by which refusals of the lane were told that are over now.
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

// refused is what a refusal means for its lane.
type refused struct {
	refusals int
	since    time.Time
	until    time.Time
	alone    int // refusals in a row while nothing else of ours was under way
	others   int // batches of ours that are under way
	room     int // batches of the lane that are, if it is full
	notice   string
}

// refuse says that the provider refused a batch, and returns what that means.
// Batches that were sent together are refused together, which counts once.
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
	if l.full = full; full {
		l.room, l.spare = len(l.under), 0
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
	if fresh || others == 0 {
		l.until = time.Now().Add(l.wait(base, others))
	}
	l.signal()
	return refused{l.refusals, l.since, l.until, l.alone, others, l.room, l.notice}
}

// wait is for how long nothing is created. That others make room is noticed, so
// the clock is for those of other jobs.
func (l *throttle) wait(base time.Duration, others int) time.Duration {
	if l.full && others > 0 {
		return max(base, maxRefusalWait)
	}
	return max(base, min(base<<min(l.refusals-1, 12), maxRefusalWait))
}

// underWay counts the batches of the lane's model. The caller holds mu.
func (t *throttles) underWay(lane int) (n int) {
	for other, l := range t.routes {
		if t.models[other] == t.models[lane] {
			n += len(l.under)
		}
	}
	return n
}

// smaller says that the lane's next batches are smaller. If they are for certain
// as small as they have to be, they need not wait.
func (t *throttles) smaller(lane int, certain bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.of(lane)
	l.alone = 0
	if certain {
		l.until, l.refusals = time.Time{}, min(l.refusals, 1)
	}
	l.signal()
}

// limit is how many tokens of a lane may be enqueued, as far as the provider has
// said so: 0 if it did not. The refusal is the one that said it.
func (t *throttles) limit(lane int) (tokens int64, refusal error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.of(lane).tokens, t.of(lane).why
}

// noticeOf is the tag by which the refusals of a lane are told, "" if there are
// none.
func (t *throttles) noticeOf(lane int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.of(lane).notice
}

// recover takes in a batch of an earlier process.
func (t *throttles) recover(in intent.Intent, model string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.models[in.Route] = model
	l := t.of(in.Route)
	switch in.State { //nolint:exhaustive // in all others the provider is done with it
	case intent.Creating, intent.Unknown, intent.Held, intent.Submitted:
		l.under[in.Tag] = presence{since: in.SentAt}
	case intent.Sealed, intent.Uploaded:
		if r := in.Reason; r != nil && r.Times > l.refusals {
			now := t.now() // the clock may have been put back
			l.refusals, l.since, l.last, l.notice = r.Times, earlier(r.Since, now), earlier(in.SentAt, now), in.Tag
			l.until = earlier(in.Again, time.Now().Add(maxRefusalWait))
			l.full, l.room = r.Room > 0, r.Room // of which some may have ended meanwhile
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
