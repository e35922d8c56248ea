package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
)

// Adoption is an orphan and what Adopt has made of it.
type Adoption struct {
	Orphan
	Adopted int    // rows of the run that get their result from it
	Left    string // why there are none, for people; "" if there are
}

// ErrNotRead means that a run has not read its source to the end: Ingest does.
var ErrNotRead = errors.New("durable: the run has not read its input")

// Adopt gives orphans that have ended to the run of that name: the results of
// rows that succeeded, and that wait in the run for a batch, become the run's.
// The next Run downloads and delivers them like those of any batch, and buys only
// the others. It is for a state directory that was lost: there, Ingest comes
// first.
//
// A row is known by the hash of its item's key, as nothing else comes back from
// a provider but the answer. So the keys must be what they were, and that the
// requests are is the caller's word; an orphan is left alone if its rows cannot
// have been one batch of the run, and a row if its answer names a model that the
// run does not ask.
//
// It returns all orphans. The error is ErrNoRun, ErrNotRead, ErrCancelled,
// ErrRunning, a *MismatchError if the run is of another provider, that the run is
// completed, or what the provider or the store said; then earlier orphans may have
// been adopted, and Adopt may be called again. It reads the results of each orphan
// that has ended, and goes through the waiting rows once for each; the ids of one
// are in memory at a time.
func Adopt(ctx context.Context, provider sink.Provider, store *state.Dir, name string, since time.Time) (all []Adoption, err error) {
	job, err := findJob(store.Root(), name)
	if err != nil {
		return nil, err
	}
	err = withJob(ctx, provider, store, job, func(e *engine) (err error) {
		all, err = e.adoptAll(ctx, since)
		return err
	})
	return all, err
}

func (e *engine) adoptAll(ctx context.Context, since time.Time) (all []Adoption, err error) {
	switch {
	case e.gate.cancelled():
		return nil, ErrCancelled
	case !e.ended():
		return nil, fmt.Errorf("%w: %q", ErrNotRead, e.name)
	case e.finished():
		return nil, fmt.Errorf("durable: the run %q is completed: no row of it waits", e.name)
	}
	found, err := Orphans(ctx, e.provider, e.store, since)
	if err != nil {
		return nil, err
	}
	adopted := make(map[string]bool)
	for _, o := range found {
		o.Surplus = o.Surplus || adopted[o.Tag]
		a, err := e.adopt(ctx, o)
		if err != nil {
			return all, fmt.Errorf("durable: adopt %s: %w", o.Batch, err)
		}
		adopted[o.Tag] = adopted[o.Tag] || a.Adopted > 0
		all = append(all, a)
	}
	return all, e.reconcile(ctx, all)
}

// adopt seals the rows that an orphan has answered as a batch that has ended. A
// crash leaves what a crash in seal does.
func (e *engine) adopt(ctx context.Context, o Orphan) (Adoption, error) {
	entries, left, err := e.answeredBy(ctx, o)
	if err != nil || left != "" {
		return Adoption{Orphan: o, Left: left}, err
	}
	_, err = e.seal(context.WithoutCancel(ctx), intent.Intent{
		Tag: o.Tag, State: intent.Ended, Account: e.provider.Account(), Batch: o.Batch, SentAt: o.Created,
	}, entries)
	e.ready.taken(entries)
	return Adoption{Orphan: o, Adopted: len(entries)}, err
}

// answeredBy returns the waiting entries that an orphan has answered, or why it
// has to be left alone.
func (e *engine) answeredBy(ctx context.Context, o Orphan) (entries []entry, left string, err error) {
	switch {
	case o.Surplus:
		return nil, "it was bought twice, and the other one counts", nil
	case !o.Ended:
		return nil, "it runs: adopt it when it has ended", nil
	}
	answers, err := readAnswered(ctx, e.provider, o)
	if errors.Is(err, errLines) {
		return nil, errLines.Error(), nil
	}
	if err == nil {
		entries, err = e.waitingFor(answers)
	}
	switch {
	case err != nil:
		return nil, "", err
	case len(entries) == 0:
		return nil, "it has no answer that a row of the run waits for", nil
	case !sameLane(entries):
		return nil, "its rows ask different models or endpoints in the run, and so were no batch of it", nil
	}
	return entries, "", nil
}
