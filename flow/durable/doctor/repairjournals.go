package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/internal/journal"
)

// RepairJournals rewrites damaged and lost journals from the index, the
// manifests and the part of the old journal that can still be read. The old
// journals stay beside them under another name. No batch that was sent is lost,
// because it was in the index before it left.
//
// The error is a state.ErrDamaged if the index is damaged too. Then only the
// provider knows which batches were bought, see Dir.Orphans of package durable.
func RepairJournals(ctx context.Context, dir *durable.Dir) error {
	store, err := state.Open(dir.Path(), dir.Config())
	if err != nil {
		return err
	}
	archives, err := jobdir.OpenAll(store.Root(), store.Path())
	for _, a := range archives {
		if err == nil {
			err = repairJournal(ctx, a, store)
		}
	}
	return errors.Join(err, jobdir.CloseAll(archives), store.Close())
}

// repairJournal rewrites a journal unless it agrees with the index.
func repairJournal(ctx context.Context, a *jobdir.Dir, index state.Store) error {
	h, err := a.ReadHistory()
	if err == nil && h == nil {
		return nil
	}
	if err == nil && a.Verify(ctx, index, &h.Replayed) == nil {
		return nil
	}
	lines, err := reconstructJournal(ctx, a, index)
	if err != nil {
		return err
	}
	return replaceJournal(a, lines)
}

const newJournalFile = jobdir.JournalFile + ".new"

// replaceJournal writes a journal of these lines. A crash leaves the old
// journal or none; both can be repaired again.
func replaceJournal(a *jobdir.Dir, lines []jobdir.Line) error {
	if err := a.Root.Remove(newJournalFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("durable: %w", err)
	}
	j, err := journal.Open(a.Root, newJournalFile, a.ID, func([]byte) error { return nil })
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	for i := range lines {
		if err := j.Append(lines[i]); err != nil {
			return errors.Join(fmt.Errorf("durable: %w", err), j.Close())
		}
	}
	if err := j.Close(); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	if err := setAside(a, jobdir.JournalFile); err != nil {
		return err
	}
	if err := a.Root.Rename(newJournalFile, jobdir.JournalFile); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return atomicfile.SyncDir(a.Root, ".")
}

// setAside renames a file, if there is one, to a name that is free.
func setAside(a *jobdir.Dir, name string) error {
	for n := 1; ; n++ {
		aside := fmt.Sprintf("%s.damaged-%d", name, n)
		if _, err := a.Root.Lstat(aside); err == nil {
			continue
		}
		if err := a.Root.Rename(name, aside); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("durable: %w", err)
		}
		return nil
	}
}
