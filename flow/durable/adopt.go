package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/retry"
)

// Lost counts rows of an orphan that could not be adopted, by reason. Rows that
// already have a result or a batch in the run do not count. A batch whose
// number of rows is not known counts as one row.
type Lost struct {
	Gone       int `json:"gone,omitempty"`        // the provider does not have the results, or does not return them
	Running    int `json:"running,omitempty"`     // the batch has not ended
	Failed     int `json:"failed,omitempty"`      // they failed, or never ran
	Unknown    int `json:"unknown,omitempty"`     // the run has no item of their key
	OtherModel int `json:"other_model,omitempty"` // the run asks another model, or several
}

// Total is the sum of all counts.
func (l Lost) Total() int { return l.Gone + l.Running + l.Failed + l.Unknown + l.OtherModel }

// ErrNotRead means that a run has not read its source to the end. Ingest reads
// it.
var ErrNotRead = errors.New("durable: the run has not read its input")

// adopter adopts batches that the job has bought and does not know.
type adopter struct {
	*config
	*jobdir.Dir
	gate     *gate
	clock    *clock
	progress *progress
	calls    *calls
	batches  *batches

	known knownBatches
}

func (ad *adopter) adoptAll(ctx context.Context, since time.Time) (all []Orphan, err error) {
	if err := ad.mayAdopt(); err != nil {
		return nil, err
	}
	found, err := orphans(ctx, ad.first(), ad.store, since)
	if err != nil {
		return nil, err
	}
	adopted := make(map[string]bool)
	for _, o := range found {
		o.Surplus = o.Surplus || adopted[o.Tag]
		a, err := ad.adopt(ctx, o)
		if err != nil {
			return all, fmt.Errorf("durable: adopt %s: %w", o.Batch, err)
		}
		adopted[o.Tag] = adopted[o.Tag] || a.Adopted > 0
		all = append(all, a)
	}
	return all, ad.reconcile(ctx, all)
}

// mayAdopt returns an error unless rows of the run may wait for a batch.
func (ad *adopter) mayAdopt() error {
	switch {
	case ad.gate.cancelled():
		wanted, err := ad.dir.Control()
		return errors.Join(err, &CancelledError{Reason: wanted.Reason, At: wanted.At})
	case !ad.progress.ended():
		return fmt.Errorf("%w: %q", ErrNotRead, ad.name)
	case ad.progress.finished():
		return fmt.Errorf("durable: the run %q is completed: no row of it waits", ad.name)
	}
	return nil
}

// adopt seals the rows that an orphan has answered as a batch that has ended. A
// crash leaves the same state as a crash in seal.
func (ad *adopter) adopt(ctx context.Context, o Orphan) (Orphan, error) {
	a := o
	entries, err := ad.answeredBy(ctx, &a)
	if err != nil || len(entries) == 0 {
		return a, err
	}
	_, err = ad.batches.seal(context.WithoutCancel(ctx), intent.Intent{
		Tag: o.Tag, State: intent.Ended, Account: ad.first().info.Account, Batch: o.Batch, SentAt: o.Created,
		Day: ad.prices.budget.dayOf(time.Now()),
	}, entries)
	ad.batches.ready.Taken(entries)
	a.Adopted = len(entries)
	return a, err
}

// answeredBy returns the waiting entries that an orphan has answered. If there
// are none, a says why, and a counts the rows that are lost.
func (ad *adopter) answeredBy(ctx context.Context, a *Orphan) ([]jobdir.Entry, error) {
	switch {
	case a.Surplus:
		a.Left = "it was bought twice, and the other one counts"
		return nil, nil
	case a.Tag == "":
		a.Left, a.Lost.Gone = "its results are not available yet, so whose it is is not known: adopt it again", max(a.Rows, 1)
		return nil, nil
	case !a.Ended:
		a.Left, a.Lost.Running = "it runs: adopt it when it has ended", max(a.Rows, 1)
		return nil, nil
	}
	r, err := readAnswered(ctx, ad.first(), *a)
	switch {
	case err != nil:
		return nil, a.unread(ctx, err)
	case r.refused:
		a.Left = "it was refused, and nothing of it ran"
		return nil, nil
	}
	none := len(r.models) == 0
	a.count(&r)
	entries, err := ad.waitingFor(r.models, &a.Lost)
	switch {
	case err != nil:
		return nil, err
	case none && r.err != nil:
		a.Left = whyGone(r.err)
	case len(entries) == 0:
		a.Left = "no row of the run waits for one of its answers"
	case !sameRoute(entries):
		a.Left = "its rows ask different models or endpoints in the run, so it was no batch of the run"
		a.Lost.OtherModel += len(entries)
		return nil, nil
	}
	return entries, nil
}

// count counts the rows that have no answer.
func (a *Orphan) count(r *answered) {
	unmentioned := max(a.Rows-len(r.models)-len(r.failed), 0)
	switch {
	case r.err == nil: // a row that is not mentioned never ran
		a.Lost.Failed = len(r.failed) + unmentioned
	case a.Rows == 0:
		a.Lost.Failed, a.Lost.Gone = len(r.failed), 1
	default:
		a.Lost.Failed, a.Lost.Gone = len(r.failed), unmentioned
	}
}

// unread records in a that the results cannot be read now. It returns the error
// if the results of no orphan can be read.
func (a *Orphan) unread(ctx context.Context, err error) error {
	if ctx.Err() != nil || retry.ClassOf(err) == retry.Blocked {
		return err
	}
	a.Left, a.Lost.Gone = whyGone(err), max(a.Rows, 1)
	if retry.ClassOf(err) != retry.Permanent {
		a.Left = "its results cannot be read now, so adopt it again: " + err.Error()
	}
	return nil
}

// whyGone says for people why the results are not available any more.
func whyGone(err error) string {
	if purchase.IsGone(err) {
		return "its results are gone at the provider"
	}
	return "its results cannot be read: " + err.Error()
}
