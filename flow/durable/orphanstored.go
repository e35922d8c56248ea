package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/tag"
	"github.com/balerhq/baler/sink"
)

// OrphanStored lists the files that jobs have stored for rows to refer to, see
// Job.FileUpload, and that no job of the directory knows. They are of other
// directories, or of one that was lost. sink.FileStore.Delete can delete them;
// the Tag of each is its name. Files younger than age are left out, and those of
// a job that has a batch which has not ended, as far as the provider lists tags:
// another directory may need them. If it then misses one, it stores it again, and
// asks the rows that missed it again.
//
// The provider has to have a sink.FileStore that lists files.
func (d *Dir) OrphanStored(ctx context.Context, provider sink.Provider, age time.Duration) (found []sink.File, err error) {
	err = d.use(func(store *state.Dir) error {
		found, err = orphanStored(ctx, provider, store, sink.Now(ctx, provider).Add(-age))
		if err != nil {
			return fmt.Errorf("durable: orphan files of rows: %w", err)
		}
		return nil
	})
	return found, err
}

func orphanStored(ctx context.Context, provider sink.Provider, store *state.Dir, before time.Time) (found []sink.File, err error) {
	info := provider.Info()
	if info.FileStore == nil {
		return nil, fmt.Errorf("%s stores no files for rows: %w", info.Name, errors.ErrUnsupported)
	}
	oldest := before
	for f, err := range info.FileStore.Stored(ctx, "") {
		if refuses(ctx, err) {
			err = errors.Join(errors.ErrUnsupported, err) // as to a key that may not see files
		}
		if err != nil {
			return nil, err
		}
		if _, ours := jobdir.OwnerOfStored(f.Tag); ours && !f.Created.IsZero() && f.Created.Before(before) {
			found = append(found, f)
			oldest = earlier(oldest, f.Created)
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	isKnown, err := knownFiles(store) // which has each file before it is stored
	if err != nil {
		return nil, err
	}
	busy, err := busyOwners(ctx, provider, oldest)
	if err != nil {
		return nil, err
	}
	rest := found[:0]
	for _, f := range found {
		if owner, _ := jobdir.OwnerOfStored(f.Tag); !isKnown(owner, f.Tag) && !busy[owner] {
			rest = append(rest, f)
		}
	}
	return rest, nil
}

// knownFiles returns what tells whether a job of the directory knows a file,
// by the beginning of its tags and the name.
func knownFiles(store *state.Dir) (isKnown func(owner, name string) bool, err error) {
	jobs, err := jobdir.List(store.Root())
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool)
	for _, job := range jobs {
		a, err := jobdir.Open(store.Root(), job.Name)
		if err != nil {
			return nil, err
		}
		for _, f := range a.Stored {
			names[f.Name] = names[f.Name] || f.MayBeThere()
		}
		if err := a.Root.Close(); err != nil {
			return nil, fmt.Errorf("durable: %w", err)
		}
	}
	return func(owner, name string) bool { return names[name] || names[jobdir.StoredPrefixOf(owner)] }, nil
}

// busyOwners returns how the tags of batches begin that have not ended.
func busyOwners(ctx context.Context, provider sink.Provider, since time.Time) (map[string]bool, error) {
	busy := make(map[string]bool)
	for l, err := range provider.List(ctx, since) {
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return busy, nil
		case err != nil:
			return nil, err
		case !l.Ended && tag.Valid(l.Tag):
			busy[jobdir.OwnerOfTag(l.Tag)] = true
		}
	}
	return busy, nil
}
