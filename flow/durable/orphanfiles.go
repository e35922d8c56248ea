package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/internal/tag"
	"github.com/balerhq/baler/sink"
)

// OrphanFiles lists the uploads of jobs that no batch was made from and that no
// job of the directory is about to use. A crash between an upload and the
// creation of its batch leaves such a file. sink.Provider.Remove can remove
// them. Files younger than age are left out, because another directory may be
// about to use them. If it then misses one, it uploads it again.
//
// The provider has to list files, and batches with the file of each.
func (d *Dir) OrphanFiles(ctx context.Context, provider sink.Provider, age time.Duration) (found []sink.File, err error) {
	err = d.use(func(store *state.Dir) error {
		found, err = orphanFiles(ctx, provider, store, sink.Now(ctx, provider).Add(-age))
		if err != nil {
			return fmt.Errorf("durable: orphan files: %w", err)
		}
		return nil
	})
	return found, err
}

func orphanFiles(ctx context.Context, provider sink.Provider, store state.Store, before time.Time) ([]sink.File, error) {
	if info := provider.Info(); !info.Files || !info.Lists {
		return nil, fmt.Errorf("%s cannot list files and batches: %w", info.Name, errors.ErrUnsupported)
	}
	intents, err := allIntents(ctx, store)
	if err != nil {
		return nil, err
	}
	var found []sink.File
	oldest := before
	for f, err := range provider.Files(ctx) {
		if err != nil {
			return nil, err
		}
		in, known := intents[f.Tag]
		needed := known && !in.Done()
		if tag.Valid(f.Tag) && !needed && !f.Created.IsZero() && f.Created.Before(before) {
			found = append(found, f)
			oldest = earlier(oldest, f.Created)
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	return withoutBatch(ctx, provider, found, oldest.Add(-purchase.FindSlack))
}

// withoutBatch returns the files that no batch created since then was made
// from.
func withoutBatch(ctx context.Context, provider sink.Provider, files []sink.File, since time.Time) (found []sink.File, err error) {
	used := make(map[string]bool)
	for l, err := range provider.List(ctx, since) {
		if err != nil {
			return nil, err
		}
		if l.File == "" {
			return nil, fmt.Errorf("the provider does not say what batch %s was made from: %w", l.Batch, errors.ErrUnsupported)
		}
		used[l.File] = true
		if l.Tag != "" {
			used[l.Tag] = true
		}
	}
	for _, f := range files {
		if !used[f.File] && !used[f.Tag] {
			found = append(found, f)
		}
	}
	return found, nil
}
