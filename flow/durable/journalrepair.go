package durable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/internal/journal"
)

// RepairJournals writes the journals anew that are damaged or lost, from the
// index, the bales and what can still be read of them. The old ones stay beside
// them under another name. Nothing that was sent is forgotten: it was in the index
// before it left.
//
// The error is a state.ErrDamaged if the index is damaged too: then nobody knows
// which batches were bought. See Orphans for what the provider knows.
func RepairJournals(ctx context.Context, path string, log *slog.Logger) error {
	store, err := state.Open(path, state.Config{Log: log})
	if err != nil {
		return err
	}
	archives, err := openFiles(store.Root(), path)
	for _, a := range archives {
		if err == nil {
			err = a.repairJournal(ctx, store)
		}
	}
	return errors.Join(err, closeFiles(archives), store.Close())
}

// repairJournal leaves a journal alone that agrees with the index.
func (a *files) repairJournal(ctx context.Context, index state.Store) error {
	h, err := a.readHistory()
	if err == nil && h == nil {
		return nil
	}
	if err == nil && a.verify(ctx, index, &h.memory) == nil {
		return nil
	}
	lines, err := a.retell(ctx, index)
	if err != nil {
		return err
	}
	return a.replaceJournal(lines)
}

const newJournalFile = journalFile + ".new"

// replaceJournal writes a journal of these lines. A crash leaves the old one, or
// none, which is repaired likewise.
func (a *files) replaceJournal(lines []logged) error {
	if err := a.root.Remove(newJournalFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("durable: %w", err)
	}
	j, err := journal.Open(a.root, newJournalFile, a.id, func([]byte) error { return nil })
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
	if err := a.setAside(journalFile); err != nil {
		return err
	}
	if err := a.root.Rename(newJournalFile, journalFile); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return atomicfile.SyncDir(a.root, ".")
}

// setAside renames a file, if there is one, to a name that is free.
func (a *files) setAside(name string) error {
	for n := 1; ; n++ {
		aside := fmt.Sprintf("%s.damaged-%d", name, n)
		if _, err := a.root.Lstat(aside); err == nil {
			continue
		}
		if err := a.root.Rename(name, aside); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("durable: %w", err)
		}
		return nil
	}
}
