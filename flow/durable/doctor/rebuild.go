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
	"github.com/balerhq/baler/internal/tag"
)

// Rebuild rebuilds the index of a state directory from the files of its jobs:
// their journals, requests and manifests. The old index is moved aside, to the
// directory that is returned, and nothing is deleted. A later run continues as
// it would have with the old index.
//
// Only jobs are rebuilt. Records of queues, limits and the like in the same
// directory are lost. The error is a state.ErrDamaged if a file that is needed
// is damaged too; then nothing has changed. It reads all files once, and takes
// about 50 bytes of memory per item.
func Rebuild(ctx context.Context, dir *durable.Dir) (aside string, err error) {
	return state.RebuildIndex(ctx, dir.Path(), dir.Config().Log, func(root *os.Root, index state.Store) error {
		archives, err := jobdir.OpenAll(root, dir.Path())
		for _, a := range archives {
			if err == nil {
				err = rebuild(ctx, a, index)
			}
		}
		return errors.Join(err, jobdir.CloseAll(archives))
	})
}

// rebuild writes the records of a job.
func rebuild(ctx context.Context, a *jobdir.Dir, index state.Store) error {
	h, err := a.ReadHistory()
	if err != nil || h == nil {
		return err
	}
	if h.Pruned != nil {
		return rebuildPruned(ctx, a, index, h)
	}
	if err := checkComplete(a, h); err != nil {
		return err
	}
	c, err := a.ReadClaims(h)
	if err != nil {
		return err
	}
	if err := a.Root.RemoveAll(jobdir.SeenDir); err != nil { // the next run makes it anew from the request log
		return fmt.Errorf("durable: %w", err)
	}
	r, err := newReady(ctx, a, index, c.Last)
	if err != nil {
		return err
	}
	err = rebuildItems(ctx, a, r, h, c)
	if err == nil {
		err = rebuildRecords(ctx, a, index, h)
	}
	return errors.Join(append(r.Close(), err)...)
}

// checkComplete refuses a journal that has lost batches whose files exist. A
// crash leaves one unsealed manifest at most, and no results except those
// copied from other jobs.
func checkComplete(a *jobdir.Dir, h *jobdir.History) error {
	manifests, err := unknown(a, h, jobdir.ManifestDir)
	if err != nil {
		return err
	}
	results, err := unknown(a, h, jobdir.ResultDir)
	if err != nil {
		return err
	}
	lost := manifests[min(1, len(manifests)):]
	for _, tag := range results {
		copied, err := copied(a, tag)
		if err != nil {
			return err
		}
		if !copied {
			lost = append(lost, tag)
		}
	}
	if len(lost) > 0 {
		return a.Damaged(jobdir.JournalFile, fmt.Errorf("it has lost batch %s, and with it whether that was bought", lost[0]))
	}
	return nil
}

// unknown lists the batches that have a file in dir and are not in the journal.
func unknown(a *jobdir.Dir, h *jobdir.History, dir string) (tags []string, err error) {
	found, err := fs.ReadDir(a.Root.FS(), dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("durable: %w", err)
	}
	for _, f := range found {
		if _, ok := h.Intents[f.Name()]; !ok && tag.Valid(f.Name()) {
			tags = append(tags, f.Name())
		}
	}
	return tags, nil
}

// copied reports whether the results of a batch were copied from other jobs.
func copied(a *jobdir.Dir, tag string) (bool, error) {
	for p, err := range jobdir.ReadRecords(a.Root, jobdir.ResultName(tag), a.LabelOf(jobdir.ResultsKind, tag)) {
		if err != nil {
			return false, a.Damaged(jobdir.ResultName(tag), err)
		}
		o, err := jobdir.DecodeOutcome(p.Record)
		return o.Origin != "", err
	}
	return false, nil
}
