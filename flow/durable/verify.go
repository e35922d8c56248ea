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
func (e *engine) verify(ctx context.Context, told *memory) error {
	if len(told.lanes) < e.source.value.Lanes {
		return e.damaged(journalFile, errors.New("it has lost the endpoint or the model of rows"))
	}
	if err := e.verifyKnown(ctx, told); err != nil {
		return err
	}
	for _, in := range told.intents {
		if err := e.verifyIntent(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

// verifyKnown refuses a journal that lacks a batch of the store's.
func (e *engine) verifyKnown(ctx context.Context, told *memory) error {
	prefix := e.keys.make('b')
	for rec, err := range e.store.Scan(ctx, prefix, nil) {
		if err != nil {
			return err
		}
		tag := string(rec.Key[len(prefix):])
		if _, ok := told.intents[tag]; !ok {
			return e.damaged(journalFile, fmt.Errorf("it has lost batch %s", tag))
		}
	}
	return nil
}

func (e *engine) verifyIntent(ctx context.Context, in intent.Intent) error {
	stored, err := e.storedRev(ctx, in.Tag)
	switch {
	case err != nil:
		return err
	case stored > in.Rev:
		return e.damaged(journalFile, fmt.Errorf("it has lost what became of batch %s", in.Tag))
	case stored+1 < in.Rev:
		return e.damaged("", fmt.Errorf("the index has lost what became of batch %s", in.Tag))
	case stored == 0:
		return e.verifyRows(ctx, in)
	}
	return nil
}

// verifyRows refuses a store that does not know the rows of a batch, which it
// must have known before they were sealed.
func (e *engine) verifyRows(ctx context.Context, in intent.Intent) error {
	header, err := e.baleHeader(in.Tag)
	if err != nil {
		return err
	}
	for number, last := range header.Last {
		tail := register[tailState]{key: e.keys.tail(number)}
		if err := load(ctx, e.store, &tail); err != nil {
			return err
		}
		if tail.value.Seq < last {
			return e.damaged("", fmt.Errorf("the index has lost rows of batch %s", in.Tag))
		}
	}
	return nil
}

// storedRev is the revision of a batch in the store, 0 if it is not there.
func (e *engine) storedRev(ctx context.Context, tag string) (uint64, error) {
	rec, err := e.store.Get(ctx, e.keys.intent(tag))
	if errors.Is(err, state.ErrNotFound) {
		return 0, nil
	}
	return rec.Rev, err
}
