package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
)

// RepairFiles repairs damaged files of batches and runs from other files. It
// makes a manifest again from the journal and the ready log. It removes damaged
// answers for other runs, so that these ask again. It restores the control
// files of runs from their copies.
//
// The error is a state.ErrDamaged if the index, a journal or the requests are
// damaged too. These must be repaired first.
func RepairFiles(ctx context.Context, dir *durable.Dir) error {
	store, err := state.Open(dir.Path(), dir.Config())
	if err != nil {
		return err
	}
	archives, err := jobdir.OpenAll(store.Root(), store.Path())
	for _, a := range archives {
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err == nil {
			err = repairBatches(a, dir.Config().Log)
		}
	}
	if err == nil {
		err = repairRuns(store.Path())
	}
	return errors.Join(err, jobdir.CloseAll(archives), store.Close())
}

func repairBatches(a *jobdir.Dir, log *slog.Logger) error {
	h, err := a.ReadHistory()
	if err != nil || h == nil || h.Pruned != nil {
		return err
	}
	for tag, in := range h.Intents {
		if damage := a.CheckManifest(in); damage != nil {
			if err := a.RemakeManifest(in, &h.Replayed); err != nil {
				log.Warn("the manifest of a batch cannot be made again", "tag", tag, "error", errors.Join(damage, err))
			}
		}
		if err := examineAnswers(a, tag); err != nil && !errors.Is(err, fs.ErrNotExist) {
			if err := a.Root.Remove(jobdir.AnswerName(tag)); err != nil {
				return fmt.Errorf("durable: %w", err)
			}
		}
	}
	return nil
}
