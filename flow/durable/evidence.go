package durable

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// A batch of which rows are missing is downloaded again, after longer and longer
// waits, for patience times the grace: what is late comes within seconds, what is
// down within minutes. Then a person may decide. As long as other batches are open
// it is still downloaded every few minutes, and so it is at the next start; to
// hold the run open for it alone, until the provider's window is over, would help
// nobody who waits for the rest.
const (
	patience     = 6
	leastLooks   = 3 // downloads before a person is asked
	agreedLooks  = 2 // that must tell the same before rows are said to have never run
	agreementGap = 6 // polling intervals between these
)

// evidence is what the driver of an ended batch remembers of its downloads. It is
// not worth keeping: another process begins anew.
type evidence struct {
	first  time.Time // when rows were missing first
	looks  int       // downloads since then that brought nothing new
	next   time.Time // when to download again
	agreed int       // downloads in a row that told of as many rows that never ran
	absent int       // how many

	freeSlot func() // lets another batch be bought
}

// evidences are those of the batches that have ended.
type evidences struct{ byTag sync.Map }

func (v *evidences) of(tag string) *evidence {
	kept, _ := v.byTag.LoadOrStore(tag, new(evidence))
	return kept.(*evidence) //nolint:forcetypeassert // the only type in it
}

func (v *evidences) over(tag string) { v.byTag.Delete(tag) }

// forget begins anew: the results are on disk.
func (v *evidence) forget() { *v = evidence{freeSlot: v.freeSlot} }

// fetch downloads the results of an ended batch, and judges whether they are all
// that there are: a row without a result did not run only if the provider's counts
// leave room for that.
func (e *engine) fetch(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	v := e.evidences.of(in.Tag)
	if err := e.awaitLook(ctx, in, v); err != nil {
		return in, err
	}
	in, err := e.decide(ctx, in)
	if err != nil {
		return in, err
	}
	if in.Batch != "" {
		if same, err := e.sameAccount(ctx, in); !same {
			return in, err
		}
	}
	h, err := heavily(ctx, e, func() (harvest, error) { return e.download(ctx, in) })
	if err != nil {
		return in, err
	}
	missing, again := e.missingRows(ctx, in, v, &h)
	switch {
	case ctx.Err() != nil:
		return in, context.Cause(ctx)
	case retry.ClassOf(h.err) == retry.Blocked:
		return in, e.hold(ctx, in, "download", 0, h.err)
	case again:
		v.next = time.Now().Add(agreementGap * e.interval(0))
		return in, nil
	case missing > 0 && in.Verdict == "":
		return e.incomplete(ctx, in, v, &h, missing)
	}
	e.countStrays(ctx, in, &h)
	v.forget()
	e.untell(NoticeIncomplete, in.Tag)
	e.untell(NoticeUndecided, in.Tag)
	return e.advance(ctx, in, intent.FetchDone{Missing: missing})
}

// missingRows counts the rows that have no result and may have run. If the
// provider says that they did not, it has to say so again after a while: a status
// may be ahead of its counts and files.
func (e *engine) missingRows(ctx context.Context, in intent.Intent, v *evidence, h *harvest) (missing int, again bool) {
	if h.absent == 0 || in.Batch == "" {
		return 0, false
	}
	if h.err != nil {
		v.agreed = 0
		return h.absent, false
	}
	s, err := e.provider.Status(ctx, handle(in))
	if jobdir.GivenUp(in) && isGone(err) {
		return 0, false // the provider has had all that time to show it
	}
	if h.err = err; err != nil || s.Unaccounted(in.Rows, h.came, h.skips) > 0 {
		v.agreed = 0
		return h.absent, false
	}
	if v.agreed == 0 || v.absent != h.absent {
		v.agreed, v.absent = 0, h.absent
	}
	v.agreed++
	return 0, s.Err == nil && v.agreed < agreedLooks
}

// incomplete hands on what came, or waits for what did not.
func (e *engine) incomplete(ctx context.Context, in intent.Intent, v *evidence, h *harvest, missing int) (intent.Intent, error) {
	if v.first.IsZero() {
		v.first = time.Now()
	}
	if v.looks++; h.fresh > 0 {
		v.looks = 1
	}
	wait := min(e.interval(0)<<min(v.looks, 8), max(e.config.poll, maxPoll))
	v.next = time.Now().Add(max(wait, retry.After(h.err)))
	over := v.looks >= leastLooks && time.Since(v.first) >= patience*e.grace || neverEnds(in, h)
	e.tellMissing(ctx, in, v, h, missing, in.Undecided || over)
	if h.fresh > 0 {
		return e.advance(ctx, in, intent.FetchDone{Missing: missing})
	}
	return e.advance(ctx, in, intent.FetchPart{Missing: missing, Undecided: over})
}

// neverEnds reports whether the provider still shows as unfinished what was given
// up: its end has been waited for, after it was asked to cancel it.
func neverEnds(in intent.Intent, h *harvest) bool {
	return jobdir.GivenUp(in) && errors.Is(h.err, sink.ErrNotEnded)
}

// tellMissing tells of rows that are missing, unless it is for the first time:
// files are often late by seconds.
func (e *engine) tellMissing(ctx context.Context, in intent.Intent, v *evidence, h *harvest, missing int, undecided bool) {
	n := Notice{
		Kind: NoticeIncomplete, Tag: in.Tag, Batch: in.Batch, Next: v.next,
		Text: fmt.Sprintf("it has ended, and %d of its %d rows are in no result, though they ran or may have", missing, in.Rows),
	}
	if neverEnds(in, h) {
		n.Text = fmt.Sprintf("the provider was asked to cancel it and has not ended it, and %d of its %d rows are in no result: they may yet run, and be paid for",
			missing, in.Rows)
	}
	if h.err != nil {
		n.Text += ": " + h.err.Error()
	}
	switch {
	case undecided:
		e.untell(NoticeIncomplete, in.Tag)
		n.Kind, n.Advice = NoticeUndecided, settleAdvice(e.name, in.Batch)
	case v.looks < 2:
		e.log.InfoContext(ctx, "results are not complete, asking again", "tag", in.Tag, "batch", in.Batch, "missing", missing, "error", h.err)
		return
	}
	e.tell(ctx, n)
}

// countStrays counts what was not asked for, and rows that were: not those of a
// batch that was refused, given up or cancelled with its run, which nobody misses.
func (e *engine) countStrays(ctx context.Context, in intent.Intent, h *harvest) {
	strays := h.strays
	if in.Reason == nil && !e.gate.cancelled() {
		strays.Missing = h.absent
	}
	if strays.Total() == 0 {
		return
	}
	e.surprises.addStrays(strays)
	e.log.WarnContext(ctx, "results that are not what was asked for", "tag", in.Tag, "batch", in.Batch, "missing", strays.Missing,
		"repeated", strays.Repeated, "foreign", strays.Foreign, "surplus", strays.Surplus)
}
