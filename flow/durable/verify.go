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
		if err := a.verifyIntent(ctx, store, in); err != nil {
			return err
		}
	}
	return nil
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

func (a *files) verifyIntent(ctx context.Context, store state.Store, in intent.Intent) error {
	stored, err := a.storedRev(ctx, store, in.Tag)
	switch {
	case err != nil:
		return err
	case stored > in.Rev:
		return a.damaged(journalFile, fmt.Errorf("it has lost what became of batch %s", in.Tag))
	case stored+1 < in.Rev:
		return a.damaged("", fmt.Errorf("the index has lost what became of batch %s", in.Tag))
	case stored == 0:
		return a.verifyRows(ctx, store, in)
	}
	return nil
}

// verifyRows refuses a store that does not know the rows of a batch, which it
// must have known before they were sealed.
func (a *files) verifyRows(ctx context.Context, store state.Store, in intent.Intent) error {
	header, err := a.baleHeader(in.Tag)
	if err != nil {
		return err
	}
	for number, last := range header.Last {
		tail := register[tailState]{key: a.keys.tail(number)}
		if err := load(ctx, store, &tail); err != nil {
			return err
		}
		if tail.value.Seq < last {
			return a.damaged("", fmt.Errorf("the index has lost rows of batch %s", in.Tag))
		}
	}
	return nil
}

// storedRev is the revision of a batch in the store, 0 if it is not there.
func (a *files) storedRev(ctx context.Context, store state.Store, tag string) (uint64, error) {
	rec, err := store.Get(ctx, a.keys.intent(tag))
	if errors.Is(err, state.ErrNotFound) {
		return 0, nil
	}
	return rec.Rev, err
}
