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

// These are the waits before a repeated notice is reported again: the first
// one, which grows each time, the longest, and the one after the notice was
// cleared meanwhile.
const (
	noticeInterval    = 5 * time.Minute
	maxNoticeInterval = time.Hour
	minNoticeInterval = time.Minute
)

type noticeKey struct {
	kind NoticeKind
	tag  string
}

// notices holds the current notices, and when each was reported.
type notices struct {
	*config
	stall stall
	dirty atomic.Bool // since the status was written

	mu       sync.Mutex
	held     map[noticeKey]Notice
	reported map[noticeKey]telling
}

// telling is when a notice was reported, and how long it is not reported again.
type telling struct {
	at   time.Time
	next time.Duration
}

// again returns the telling that follows t. A zero t means that the notice was
// never reported.
func (t telling) again(now time.Time) telling {
	if t.next < noticeInterval {
		return telling{now, noticeInterval}
	}
	return telling{now, min(2*t.next, maxNoticeInterval)}
}

// add adds a notice, with its count and date, and says whether it is due to be
// reported.
func (n *notices) add(v Notice) (_ Notice, due bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.held == nil {
		n.held, n.reported = make(map[noticeKey]Notice), make(map[noticeKey]telling)
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
	last, before := n.reported[k]
	if before && now.Sub(last.at) < last.next {
		return v, false
	}
	n.reported[k] = last.again(now)
	return v, true
}

// drop removes a notice and says whether there was one. If the notice comes
// back, it is reported again soon, but not each time: a problem that comes and
// goes is one problem.
func (n *notices) drop(kind NoticeKind, tag string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	k := noticeKey{kind, tag}
	_, held := n.held[k]
	delete(n.held, k)
	if last, ok := n.reported[k]; ok && held {
		n.reported[k] = telling{last.at, minNoticeInterval}
	}
	return held
}

// has reports whether a notice is current.
func (n *notices) has(kind NoticeKind, tag string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, held := n.held[noticeKey{kind, tag}]
	return held
}

// list returns the current notices, the oldest first.
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

// maxNotice limits the text of a notice, which may quote the provider, in
// bytes.
const maxNotice = 600

// raise raises a notice: in the log, to Job.Notify and in the status. A notice
// that repeats soon only changes the status.
func (n *notices) raise(ctx context.Context, v Notice) {
	v.Text, v.Advice = truncate(v.Text, maxNotice), truncate(v.Advice, maxNotice)
	v, due := n.add(v)
	n.dirty.Store(true)
	if !due {
		return
	}
	n.log.WarnContext(ctx, "notice", "kind", v.Kind, "tag", v.Tag, "batch", v.Batch, "text", v.Text, "next", v.Next, "advice", v.Advice)
	n.callbacks.reportNotice(v)
	n.callbacks.reportEvent(Event{Notice: &NoticeEvent{Notice: v}})
}

// raiseNew raises a notice that a person has to act on. It is reported even if
// one of its kind and tag was reported a moment ago.
func (n *notices) raiseNew(ctx context.Context, v Notice) {
	n.mu.Lock()
	delete(n.reported, noticeKey{v.Kind, v.Tag})
	n.mu.Unlock()
	n.raise(ctx, v)
}

// clear clears a notice whose cause is over.
func (n *notices) clear(kind NoticeKind, tag string) {
	if n.drop(kind, tag) {
		n.dirty.Store(true)
		n.callbacks.reportEvent(Event{Notice: &NoticeEvent{Notice: Notice{Kind: kind, Tag: tag}, Over: true}})
	}
}

// moved records that something has moved.
func (n *notices) moved() {
	if n.stall.end(time.Now()) {
		n.clear(NoticeWaiting, "")
	}
}

// explain reports whether a notice says why a batch does not move.
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
