package durable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/balerhq/baler/flow/state"
)

// Rebuild makes the index of a state directory again from the files of its jobs:
// their journals, requests and bales. The old index is moved aside, to the
// directory that is returned, and nothing is deleted. A run that follows goes on
// as it would have with the old one.
//
// Only jobs are made again: what queues, limits and the like kept in the same
// directory is lost. The error is a state.ErrDamaged if a file that is needed is
// damaged too; then nothing has changed. It costs one read of all files, and some
// 50 bytes of memory an item.
func Rebuild(ctx context.Context, path string, log *slog.Logger) (aside string, err error) {
	return state.Renew(ctx, path, log, func(root *os.Root, index state.Store) error {
		archives, err := openFiles(root, path)
		for _, a := range archives {
			if err == nil {
				err = a.rebuild(ctx, index)
			}
		}
		return errors.Join(err, closeFiles(archives))
	})
}

// rebuild makes the records of a job.
func (a *files) rebuild(ctx context.Context, index state.Store) error {
	h, err := a.readHistory()
	if err != nil || h == nil {
		return err
	}
	if h.pruned != nil {
		return a.rebuildPruned(ctx, index, h)
	}
	if err := a.checkComplete(h); err != nil {
		return err
	}
	c, err := a.readClaims(h)
	if err != nil {
		return err
	}
	r, err := a.newReady(ctx, index, c.last)
	if err != nil {
		return err
	}
	err = a.rebuildItems(ctx, r, h, c)
	if err == nil {
		err = a.rebuildRecords(ctx, index, h)
	}
	return errors.Join(append(r.close(), err)...)
}

// checkComplete refuses a journal that has lost batches of which there are files. A
// crash leaves one bale at most that was never sealed, and no results but those
// that were copied from other jobs.
func (a *files) checkComplete(h *history) error {
	bales, err := a.unknown(h, baleDir)
	if err != nil {
		return err
	}
	results, err := a.unknown(h, resultDir)
	if err != nil {
		return err
	}
	lost := bales[min(1, len(bales)):]
	for _, tag := range results {
		copied, err := a.copied(tag)
		if err != nil {
			return err
		}
		if !copied {
			lost = append(lost, tag)
		}
	}
	if len(lost) > 0 {
		return a.damaged(journalFile, fmt.Errorf("it has lost batch %s, and with it whether that was bought", lost[0]))
	}
	return nil
}

// unknown lists the batches that have a file in dir and are not in the journal.
func (a *files) unknown(h *history, dir string) (tags []string, err error) {
	found, err := fs.ReadDir(a.root.FS(), dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("durable: %w", err)
	}
	for _, f := range found {
		if _, ok := h.intents[f.Name()]; !ok && isTag(f.Name()) {
			tags = append(tags, f.Name())
		}
	}
	return tags, nil
}

// copied reports whether the results of a batch are those of other jobs.
func (a *files) copied(tag string) (bool, error) {
	for p, err := range readRecords(a.root, resultName(tag), a.labelOf(resultsKind, tag)) {
		if err != nil {
			return false, a.damaged(resultName(tag), err)
		}
		o, err := decodeOutcome(p.record)
		return o.origin != "", err
	}
	return false, nil
}
