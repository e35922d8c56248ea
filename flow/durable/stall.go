package durable

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/internal/intent"
)

// stallAfter is how long nothing moves before that is told. For a provider that
// has a day it may be nothing.
const stallAfter = 10 * time.Minute

// stall is since when nothing has moved: no batch took a step, no row was read or
// settled, no count at the provider has changed.
type stall struct {
	mu    sync.Mutex
	since time.Time
	next  time.Duration // of since, when it is told next
}

// end notes that something has moved, and reports whether it was told that
// nothing did.
func (s *stall) end(now time.Time) (told bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	told = s.next > stallAfter
	s.since, s.next = now, stallAfter
	return told
}

// due reports since when nothing has moved, if that is to be told: after ten
// minutes, twenty, forty, and so on.
func (s *stall) due(now time.Time) (since time.Time, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.since) < s.next {
		return s.since, false
	}
	s.next *= 2
	return s.since, true
}

// moved takes note that something has moved.
func (e *engine) moved() {
	if e.stall.end(time.Now()) {
		e.untell(NoticeWaiting, "")
	}
}

// noticeStall tells if nothing has moved for long though batches are open.
func (e *engine) noticeStall(ctx context.Context) {
	open := slices.DeleteFunc(e.board.list(), func(b OpenBatch) bool { return e.notices.explain(&b) })
	if len(open) == 0 || e.control.Want == rundir.Paused {
		e.moved() // there is nothing that could, or that should
		return
	}
	since, due := e.stall.due(time.Now())
	if !due || e.notices.has(NoticeUnreachable, "") {
		return
	}
	e.tell(ctx, Notice{
		Kind: NoticeWaiting, Since: since,
		Text: fmt.Sprintf("nothing has moved for %s: %s", time.Since(since).Round(time.Minute), standstill(open)),
		Advice: "the run goes on by itself; a provider may take the whole of its window for a batch, and what is not done then " +
			"goes again",
	})
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

// shownBatches are named in a notice.
const shownBatches = 3

// standstill names the batches that have waited longest.
func standstill(open []OpenBatch) string {
	var names []string
	for _, b := range open[:min(shownBatches, len(open))] {
		names = append(names, b.standing())
	}
	if more := len(open) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("%d open: %s", len(open), strings.Join(names, ", "))
}

func (b *OpenBatch) standing() string {
	name, state := b.Batch, b.State
	if name == "" {
		name = b.Tag
	}
	if b.Phase != "" {
		state = clip(b.Phase, maxCode)
	}
	text := fmt.Sprintf("batch %s %s", name, state)
	if b.Phase != "" {
		text += fmt.Sprintf(", %d of %d rows", b.Ran, b.Rows)
	}
	if !b.SentAt.IsZero() {
		text += ", sent " + b.SentAt.Local().Format(time.DateTime)
	}
	return text
}
