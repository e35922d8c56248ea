package durable

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/balerhq/baler/internal/intent"
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
	*config
	stall stall
	dirty atomic.Bool // since the status was written

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
func (n *notices) tell(ctx context.Context, v Notice) {
	v.Text, v.Advice = truncate(v.Text, maxNotice), truncate(v.Advice, maxNotice)
	v, due := n.note(v)
	n.dirty.Store(true)
	if !due {
		return
	}
	n.log.WarnContext(ctx, "notice", "kind", v.Kind, "tag", v.Tag, "batch", v.Batch, "text", v.Text, "next", v.Next)
	n.deliver(v, n.onNotice)
}

// untell withdraws a notice that no longer holds.
func (n *notices) untell(kind NoticeKind, tag string) {
	if n.drop(kind, tag) {
		n.dirty.Store(true)
	}
}

// moved takes note that something has moved.
func (n *notices) moved() {
	if n.stall.end(time.Now()) {
		n.untell(NoticeWaiting, "")
	}
}

// explain reports whether it was told why a batch does not move.
func (n *notices) explain(b *OpenBatch) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	unborn := b.State == string(intent.Sealed) || b.State == string(intent.Uploaded)
	for k := range n.held {
		if k.tag == b.Tag && k.tag != "" || unborn && (k.kind == NoticeRefused || k.kind == NoticePaced) {
			return true
		}
	}
	return false
}
