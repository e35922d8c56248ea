package durable

import (
	"context"
	"errors"
	"fmt"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
)

// verify compares the journal with the store before anything is mended or cut. A
// crash comes between a line of the journal and its commit, so that the store may
// be behind by one step of each batch, and never ahead. What is otherwise has lost
// something, and all files are still needed to make it again.
func (a *files) verify(ctx context.Context, store state.Store, told *memory) error {
	source := register[sourceState]{key: a.keys.source()}
	if err := load(ctx, store, &source); err != nil {
		return err
	}
	switch {
	case told.job == nil && source.rev > 0:
		return a.damaged(journalFile, errors.New("its first line is lost"))
	case len(told.lanes) < source.value.Lanes:
		return a.damaged(journalFile, errors.New("it has lost the endpoint or the model of rows"))
	}
	if err := a.verifyKnown(ctx, store, told); err != nil {
		return err
	}
	for _, in := range told.intents {
		if err := a.verifyIntent(ctx, store, told, in); err != nil {
			return err
		}
	}
	if err := a.verifyLevels(ctx, store, told); err != nil {
		return err
	}
	if err := a.verifyOutput(ctx, store, told); err != nil {
		return err
	}
	return a.verifyItems(ctx, store, source.value)
}

// verifyKnown refuses a journal that lacks a batch of the store's.
func (a *files) verifyKnown(ctx context.Context, store state.Store, told *memory) error {
	prefix := a.keys.make('b')
	for rec, err := range store.Scan(ctx, prefix, nil) {
		if err != nil {
			return err
		}
		tag := string(rec.Key[len(prefix):])
		if _, ok := told.intents[tag]; !ok {
			return a.damaged(journalFile, fmt.Errorf("it has lost batch %s", tag))
		}
	}
	return nil
}

func (a *files) verifyIntent(ctx context.Context, store state.Store, told *memory, in intent.Intent) error {
	stored, err := a.storedRev(ctx, store, in.Tag)
	switch {
	case err != nil:
		return err
	case stored > in.Rev:
		return a.damaged(journalFile, fmt.Errorf("it has lost what became of batch %s", in.Tag))
	case stored+1 < in.Rev:
		return a.indexLost("what became of batch %s", in.Tag)
	}
	have, err := a.rowsSettled(ctx, store, in.Tag)
	switch from, until := told.settledUntil(in.Tag); {
	case err != nil:
		return err
	case have > until:
		return a.damaged(journalFile, fmt.Errorf("it has lost which rows of batch %s are settled", in.Tag))
	case have != until && have != from:
		return a.indexLost("which rows of batch %s are settled: %d, and %d in the journal", in.Tag, have, until)
	}
	return nil
}

// verifyLevels refuses a store that does not know rows which are in batches.
func (a *files) verifyLevels(ctx context.Context, store state.Store, told *memory) error {
	if told.pruned != nil {
		return nil // they are gone
	}
	last := make(map[uint8]uint64)
	for _, spans := range told.claims {
		for _, s := range spans {
			last[s.level()] = max(last[s.level()], s[2])
		}
	}
	for level, seq := range last {
		tail := register[tailState]{key: a.keys.tail(level)}
		if err := load(ctx, store, &tail); err != nil {
			return err
		}
		if tail.value.Seq < seq {
			return a.indexLost("rows that are in batches")
		}
	}
	return nil
}

// verifyOutput allows for a chunk that the journal knows of and the store does not.
func (a *files) verifyOutput(ctx context.Context, store state.Store, told *memory) error {
	outbox := register[outputState]{key: a.keys.output()}
	if err := load(ctx, store, &outbox); err != nil {
		return err
	}
	switch have := outbox.value; {
	case have == told.output, have == told.before:
		return nil
	case have.settled() > told.output.settled():
		return a.damaged(journalFile, fmt.Errorf("it has lost results: it knows of %d, and the index of %d", told.output.settled(), have.settled()))
	default:
		return a.indexLost("results: it knows of %d, and the journal of %d", have.settled(), told.output.settled())
	}
}

// verifyItems counts the items by which repetitions are known, as long as there may
// be any.
func (a *files) verifyItems(ctx context.Context, store state.Store, source sourceState) error {
	if source.Ended {
		return nil
	}
	n := 0
	for _, err := range store.Scan(ctx, a.keys.make('i'), nil) {
		if err != nil {
			return err
		}
		n++
	}
	if n != source.Rows {
		return a.indexLost("rows: it knows %d of %d", n, source.Rows)
	}
	return nil
}

func (a *files) indexLost(format string, args ...any) error {
	return a.damaged("", fmt.Errorf("the index has lost "+format, args...))
}

// storedRev is the revision of a batch in the store, 0 if it is not there.
func (a *files) storedRev(ctx context.Context, store state.Store, tag string) (uint64, error) {
	rec, err := store.Get(ctx, a.keys.intent(tag))
	if errors.Is(err, state.ErrNotFound) {
		return 0, nil
	}
	return rec.Rev, err
}
