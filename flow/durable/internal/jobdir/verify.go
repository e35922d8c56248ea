package jobdir

import (
	"context"
	"errors"
	"fmt"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
)

// Verify compares the journal with the store before anything is repaired or
// cut. A crash may come between a line of the journal and its commit. So the
// store may lag by one step of each batch that it is told of, and is never
// ahead. Any other difference means that something was lost, and all files are
// still needed to rebuild it.
func (a *Dir) Verify(ctx context.Context, store state.Store, replayed *Replayed) error {
	source := Record[SourceState]{Key: a.Keys.Source()}
	if err := Load(ctx, store, &source); err != nil {
		return err
	}
	switch {
	case replayed.Meta == nil && source.Rev > 0:
		return a.Damaged(JournalFile, errors.New("its first line is lost"))
	case len(replayed.Targets) < source.Value.Targets:
		return a.Damaged(JournalFile, errors.New("it has lost the endpoint or the model of rows"))
	}
	if err := verifyKnown(ctx, a, store, replayed); err != nil {
		return err
	}
	if err := verifyRoutes(ctx, a, store, replayed); err != nil {
		return err
	}
	for _, in := range replayed.Intents {
		if err := verifyIntent(ctx, a, store, replayed, in); err != nil {
			return err
		}
	}
	if err := verifyLevels(ctx, a, store, replayed); err != nil {
		return err
	}
	if err := verifyOutput(ctx, a, store, replayed); err != nil {
		return err
	}
	return verifyLedger(ctx, a, store, replayed)
}

// verifyKnown refuses a journal that lacks a batch of the store.
func verifyKnown(ctx context.Context, a *Dir, store state.Store, replayed *Replayed) error {
	prefix := a.Keys.Make('b')
	for rec, err := range store.Scan(ctx, prefix, nil) {
		if err != nil {
			return err
		}
		tag := string(rec.Key[len(prefix):])
		if _, ok := replayed.Intents[tag]; !ok {
			return a.Damaged(JournalFile, fmt.Errorf("it has lost batch %s", tag))
		}
	}
	return nil
}

// verifyRoutes refuses a journal that lacks a route that something was bought
// on.
func verifyRoutes(ctx context.Context, a *Dir, store state.Store, replayed *Replayed) error {
	output := Record[OutputState]{Key: a.Keys.Output()}
	if err := Load(ctx, store, &output); err != nil {
		return err
	}
	most := -1
	for n := range output.Value.Routes {
		most = max(most, n)
	}
	for _, in := range replayed.Intents {
		most = max(most, in.Route)
	}
	if most >= len(replayed.Routes) {
		return a.Damaged(JournalFile, errors.New("it has lost a route of batches"))
	}
	return nil
}

func verifyIntent(ctx context.Context, a *Dir, store state.Store, replayed *Replayed, in intent.Intent) error {
	stored, err := a.StoredRev(ctx, store, in.Tag)
	switch {
	case err != nil:
		return err
	case stored > in.Rev:
		return a.Damaged(JournalFile, fmt.Errorf("it has lost the last state of batch %s", in.Tag))
	case stored < replayed.indexed[in.Tag].before:
		return indexLost(a, "the last state of batch %s", in.Tag)
	}
	have, err := a.RowsSettled(ctx, store, in.Tag)
	switch from, until := replayed.settledUntil(in.Tag); {
	case err != nil:
		return err
	case have > until:
		return a.Damaged(JournalFile, fmt.Errorf("it has lost which rows of batch %s are settled", in.Tag))
	case have != until && have != from:
		return indexLost(a, "which rows of batch %s are settled: %d, and %d in the journal", in.Tag, have, until)
	}
	return nil
}

// verifyLevels refuses a store that lacks rows of batches.
func verifyLevels(ctx context.Context, a *Dir, store state.Store, replayed *Replayed) error {
	if replayed.Pruned != nil {
		return nil // the ready logs are gone
	}
	last := make(map[uint8]uint64)
	for _, spans := range replayed.Claims {
		for _, s := range spans {
			last[s.Level()] = max(last[s.Level()], s[2])
		}
	}
	for level, seq := range last {
		tail := Record[TailState]{Key: a.Keys.Tail(level)}
		if err := Load(ctx, store, &tail); err != nil {
			return err
		}
		if tail.Value.Seq < seq {
			return indexLost(a, "rows that are in batches")
		}
	}
	return nil
}

// verifyOutput accepts that the journal has one chunk that the store does not
// have yet.
func verifyOutput(ctx context.Context, a *Dir, store state.Store, replayed *Replayed) error {
	output := Record[OutputState]{Key: a.Keys.Output()}
	if err := Load(ctx, store, &output); err != nil {
		return err
	}
	switch have := output.Value; {
	case have.Equal(replayed.Output), have.Equal(replayed.before):
		return nil
	case have.Settled() > replayed.Output.Settled():
		return a.Damaged(JournalFile, fmt.Errorf("it has lost results: it knows of %d, and the index of %d", replayed.Output.Settled(), have.Settled()))
	default:
		return indexLost(a, "results: it knows of %d, and the journal of %d", have.Settled(), replayed.Output.Settled())
	}
}

func indexLost(a *Dir, format string, args ...any) error {
	return a.Damaged("", fmt.Errorf("the index has lost "+format, args...))
}

// StoredRev returns the revision of a batch in the store, 0 if the store does
// not have it.
func (a *Dir) StoredRev(ctx context.Context, store state.Store, tag string) (uint64, error) {
	rec, err := store.Get(ctx, a.Keys.intent(tag))
	if errors.Is(err, state.ErrNotFound) {
		return 0, nil
	}
	return rec.Rev, err
}

// RowsSettled returns how many rows of a batch are settled according to the
// store.
func (a *Dir) RowsSettled(ctx context.Context, index state.Store, tag string) (uint64, error) {
	rec, err := index.Get(ctx, a.Keys.Progress(tag))
	if errors.Is(err, state.ErrNotFound) {
		return 0, nil
	}
	d := Decoder{B: rec.Value}
	return d.U64(), errors.Join(err, d.Err)
}
