package durable

import (
	"context"
	"errors"
	"fmt"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// fetcher downloads results and decides whether they are complete.
type fetcher struct {
	*config
	*jobdir.Dir
	gate        *gate
	openBatches *openBatches
	notices     *notices
	calls       *calls
	batches     *batches
	accounts    *accounts
	resting     *restingDrivers
	anomalies   *anomalies
	raw         *rawKeeper

	evidences evidences
	decisions *decisions
}

// fetch downloads the results of an ended batch and decides whether they are
// complete. A row without a result did not run only if the provider's counts
// leave room for that.
func (f *fetcher) fetch(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	v := f.evidences.of(in.Tag)
	if err := f.awaitDownload(ctx, in, v); err != nil {
		return in, err
	}
	in, err := f.decide(ctx, in)
	if err != nil {
		return in, err
	}
	if in.Batch != "" {
		if same, err := f.accounts.sameAccount(ctx, in); !same {
			return in, err
		}
	}
	h, err := withTransferSlot(ctx, f.calls, func() (harvest, error) { return f.download(ctx, in) })
	if err != nil {
		return in, err
	}
	missing, again := f.missingRows(ctx, in, v, &h)
	switch {
	case ctx.Err() != nil:
		return in, context.Cause(ctx)
	case retry.ClassOf(h.err) == retry.Blocked:
		return in, f.calls.backOff(ctx, f.batches.serviceOf(in), in, "download", 0, h.err)
	case again:
		return in, nil
	case missing > 0 && in.Verdict == "":
		return f.incomplete(ctx, in, v, &h, missing)
	}
	f.countUnexpected(ctx, in, &h)
	v.forget()
	f.notices.clear(NoticeIncomplete, in.Tag)
	f.notices.clear(NoticeUndecided, in.Tag)
	return f.batches.advance(ctx, in, intent.FetchDone{Missing: missing})
}

// missingRows counts the rows that have no result and may have run. If the
// provider says that they did not run, it has to say so again after a while,
// because a status may be ahead of its counts and files.
func (f *fetcher) missingRows(ctx context.Context, in intent.Intent, v *evidence, h *harvest) (missing int, again bool) {
	if h.absent == 0 || in.Batch == "" {
		return 0, false
	}
	if h.err != nil {
		v.Disagree()
		return h.absent, false
	}
	s, err := f.batches.serviceOf(in).Status(ctx, handle(in))
	if in.GivenUp() && purchase.IsGone(err) {
		return 0, false // the provider has had all that time to show it
	}
	if h.err = err; err != nil || s.Unaccounted(in.Requests(), h.received, h.skips) > 0 {
		v.Disagree()
		return h.absent, false
	}
	return 0, !v.Agree(h.absent, f.poll, f.grace) && s.Err == nil
}

// incomplete lets the new results be settled, or waits for the missing ones.
func (f *fetcher) incomplete(ctx context.Context, in intent.Intent, v *evidence, h *harvest, missing int) (intent.Intent, error) {
	v.Missing(h.fresh, f.poll, h.err)
	over := v.Over(f.grace) || neverEnds(in, h)
	f.raiseMissing(ctx, in, v, h, missing, in.Undecided || over)
	if h.fresh > 0 {
		return f.batches.advance(ctx, in, intent.FetchDone{Missing: missing})
	}
	return f.batches.advance(ctx, in, intent.FetchPart{Missing: missing, Undecided: over})
}

// neverEnds reports whether the provider still shows a batch as unfinished that
// was given up. It was asked to cancel the batch, and the time for that is
// over.
func neverEnds(in intent.Intent, h *harvest) bool {
	return in.GivenUp() && errors.Is(h.err, sink.ErrNotEnded)
}

// raiseMissing raises a notice about missing rows, but not the first time,
// because files are often late by seconds.
func (f *fetcher) raiseMissing(ctx context.Context, in intent.Intent, v *evidence, h *harvest, missing int, undecided bool) {
	n := Notice{
		Kind: NoticeIncomplete, Tag: in.Tag, Batch: in.Batch, Next: v.Next,
		Text: fmt.Sprintf("it has ended, and %d of its %d rows are in no result, though they ran or may have run", missing, in.Rows),
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
		f.notices.clear(NoticeIncomplete, in.Tag)
		n.Kind, n.Advice = NoticeUndecided, settleAdvice(f.name, in.Batch)
	case v.Downloads < 2:
		f.log.InfoContext(ctx, "results are not complete, asking again", "tag", in.Tag, "batch", in.Batch, "missing", missing, "error", h.err)
		return
	}
	f.notices.raise(ctx, n)
}

// countUnexpected counts unexpected results and missing rows. Rows of a batch
// that was refused, given up, or cancelled with its run or because they are due
// elsewhere do not count as missing.
func (f *fetcher) countUnexpected(ctx context.Context, in intent.Intent, h *harvest) {
	unexpected := h.unexpected
	if in.Reason == nil && !f.gate.cancelled() && !in.Short {
		unexpected.Missing = h.absent
	}
	if unexpected.Total() == 0 {
		return
	}
	f.anomalies.addUnexpected(unexpected)
	f.log.WarnContext(ctx, "results that are not what was asked for", "tag", in.Tag, "batch", in.Batch, "missing", unexpected.Missing,
		"repeated", unexpected.Repeated, "foreign", unexpected.Foreign, "surplus", unexpected.Surplus)
}
