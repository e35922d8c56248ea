package durable

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// Notice is something that costs a user money or hours and that somebody may
// have to act on. It is told at once, and kept in the Status for as long as it
// holds.
type Notice struct {
	Kind  NoticeKind `json:"kind"`
	Tag   string     `json:"tag,omitempty"`   // of the batch that it is about; "" if it is about the run
	Batch string     `json:"batch,omitempty"` // the provider's name of it
	Text  string     `json:"text"`            // what happened
	// Advice says what to do about it, "" if nothing need be done.
	Advice string `json:"advice,omitempty"`
	// Next is when the run tries again. Zero means that it does not, or that
	// nobody knows when.
	Next  time.Time `json:"next,omitzero"`
	Since time.Time `json:"since"` // when it began
	Times int       `json:"times"` // how often it happened
}

// NoticeKind says what a Notice is about.
type NoticeKind string

// The kinds.
const (
	NoticeUnreachable NoticeKind = "unreachable" // the provider does not answer, or only with errors
	NoticeLimited     NoticeKind = "limited"     // the provider asks to wait for long
	NoticePaced       NoticeKind = "paced"       // Job.Creates holds up batches for long
	NoticeRefused     NoticeKind = "refused"     // the provider refuses batches
	NoticeIncomplete  NoticeKind = "incomplete"  // results are not what the provider says they are
	NoticeUndecided   NoticeKind = "undecided"   // a person has to decide about a batch
	NoticeUnclear     NoticeKind = "unclear"     // a creation was not answered
	NoticeWaiting     NoticeKind = "waiting"     // a batch, or without a Tag the whole run, does not get on
	NoticeGivenUp     NoticeKind = "given_up"    // a batch has not ended in all its time
	NoticeStorage     NoticeKind = "storage"     // what is kept at the provider
)

// How long a notice that repeats is not told again: at first, at most, as it
// grows each time, and if it had been withdrawn meanwhile.
const (
	noticeInterval    = 5 * time.Minute
	maxNoticeInterval = time.Hour
	minNoticeInterval = time.Minute
)

type noticeKey struct {
	kind NoticeKind
	tag  string
}

// notices are those that hold now, and when each was told.
type notices struct {
	mu   sync.Mutex
	held map[noticeKey]Notice
	told map[noticeKey]telling

	due        []Notice // to be delivered, the oldest first
	delivering bool     // by one goroutine
}

// telling is when a notice was told, and until when it is not told again.
type telling struct {
	at   time.Time
	next time.Duration
}

// again is the telling after t, which is that of a notice told never if it is
// zero.
func (t telling) again(now time.Time) telling {
	if t.next < noticeInterval {
		return telling{now, noticeInterval}
	}
	return telling{now, min(2*t.next, maxNoticeInterval)}
}

// note takes in a notice, counted and dated, and reports whether it is due to be
// told.
func (n *notices) note(v Notice) (_ Notice, due bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.held == nil {
		n.held, n.told = make(map[noticeKey]Notice), make(map[noticeKey]telling)
	}
	k, now := noticeKey{v.Kind, v.Tag}, time.Now()
	was := n.held[k]
	v.Times = was.Times + 1
	switch {
	case was.Times > 0:
		v.Since = was.Since
	case v.Since.IsZero():
		v.Since = now
	}
	n.held[k] = v
	last, before := n.told[k]
	if before && now.Sub(last.at) < last.next {
		return v, false
	}
	n.told[k] = last.again(now)
	return v, true
}

// drop forgets a notice and reports whether there was one. If it comes back it
// is told again soon, but not each time: what comes and goes is one thing.
func (n *notices) drop(kind NoticeKind, tag string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	k := noticeKey{kind, tag}
	_, held := n.held[k]
	delete(n.held, k)
	if last, ok := n.told[k]; ok && held {
		n.told[k] = telling{last.at, minNoticeInterval}
	}
	return held
}

// has reports whether a notice holds.
func (n *notices) has(kind NoticeKind, tag string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, held := n.held[noticeKey{kind, tag}]
	return held
}

// list returns the notices that hold, the oldest first.
func (n *notices) list() []Notice {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]Notice, 0, len(n.held))
	for _, v := range n.held {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b Notice) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Tag, b.Tag))
	})
	return all
}

// maxNotice bounds the text of a notice, which may quote the provider, in bytes.
const maxNotice = 600

// deliver gives a notice to f, which is called for one notice at a time, in their
// order, outside the lock: by the goroutine that is calling it already, if one is.
func (n *notices) deliver(v Notice, f func(Notice)) {
	n.mu.Lock()
	n.due = append(n.due, v)
	if n.delivering {
		n.mu.Unlock()
		return
	}
	n.delivering = true
	for len(n.due) > 0 {
		v, n.due = n.due[0], n.due[1:]
		n.mu.Unlock()
		f(v)
		n.mu.Lock()
	}
	n.delivering = false
	n.mu.Unlock()
}

// tell makes a notice known: in the log, to Job.Notify and in the status. One
// that repeats soon only changes the status.
func (e *engine) tell(ctx context.Context, v Notice) {
	v.Text, v.Advice = clip(v.Text, maxNotice), clip(v.Advice, maxNotice)
	v, due := e.notices.note(v)
	e.news.Store(true)
	if !due {
		return
	}
	e.log.WarnContext(ctx, "notice", "kind", v.Kind, "tag", v.Tag, "batch", v.Batch, "text", v.Text, "next", v.Next)
	e.notices.deliver(v, e.notify)
}

// untell withdraws a notice that no longer holds.
func (e *engine) untell(kind NoticeKind, tag string) {
	if e.notices.drop(kind, tag) {
		e.news.Store(true)
	}
}
