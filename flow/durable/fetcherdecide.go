package durable

import (
	"context"
	"errors"
	"time"

	"github.com/balerhq/baler/internal/intent"
)

// decide records what was decided about the rows that are missing.
func (f *fetcher) decide(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	d, _ := f.decisions.of(in)
	if d == "" || !in.Waits() {
		return in, nil
	}
	f.log.InfoContext(ctx, "decided about missing rows", "tag", in.Tag, "batch", in.Batch, "rows", in.Missing, "decision", d)
	return f.batches.advance(ctx, in, intent.Decided{Verdict: intent.Verdict(d)})
}

// undecided returns the error of a run that waits for a person's decision, nil
// if it does not.
func (f *fetcher) undecided() error {
	var waiting []OpenBatch
	for _, b := range f.openBatches.list() {
		if b.Undecided {
			waiting = append(waiting, b)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	return &UndecidedError{Name: f.name, Batches: waiting}
}

// awaitDownload waits until it is time to download the results of a batch
// again, or until a person has decided about it. It returns errLeft if there is
// no decision by the time that nothing else is left to do.
func (f *fetcher) awaitDownload(ctx context.Context, in intent.Intent, v *evidence) (err error) {
	if v.Next.IsZero() {
		return nil
	}
	if v.Downloads > 0 {
		v.freeSlot()
	}
	wanted, stop := f.gate.untilCancelled(ctx)
	defer stop()
	var end <-chan struct{}
	if in.Undecided {
		end = f.resting.end.Done()
		f.resting.park()
		defer func() { err = errors.Join(f.resting.unpark(), err) }()
	}
	timer := time.NewTimer(time.Until(v.Next))
	defer timer.Stop()
	for {
		decided, moved := f.decisions.of(in)
		if decided != "" {
			return nil
		}
		select {
		case <-timer.C:
			return nil
		case <-moved.Done():
		case <-end:
			return nil
		case <-wanted.Done():
			return context.Cause(wanted)
		}
	}
}
