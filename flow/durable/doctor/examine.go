package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/atomicfile"
)

// Examine opens the state directory and compares everything in it: the
// journal, requests, manifests and results of each job with each other and with
// the index. Health lists the problems. The error is one of a directory that
// cannot be examined, such as state.ErrInUse. It reads all files once, and
// changes nothing except what state.Open changes.
//
// An index may be damaged so that Badger ends the process. That is why baler
// doctor calls Examine in a process of its own, and ExamineFiles if that
// process dies.
func Examine(ctx context.Context, dir *durable.Dir) (*Health, error) {
	if _, err := os.Stat(dir.Path()); err != nil { // Open would create it
		return nil, fmt.Errorf("durable: %w", err)
	}
	store, err := state.Open(dir.Path(), dir.Config())
	if err != nil {
		return examineWithout(ctx, dir, err)
	}
	h := &Health{Path: dir.Path()}
	err = h.examine(ctx, store.Root(), store)
	return h, errors.Join(err, store.Close())
}

// ExamineFiles does what Examine does, but without opening the index; cause
// says why it cannot be opened.
func ExamineFiles(ctx context.Context, dir *durable.Dir, cause error) (*Health, error) {
	root, err := os.OpenRoot(dir.Path())
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	defer root.Close()
	if err := atomicfile.Private(root, "."); err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	h := &Health{Path: dir.Path()}
	h.addIndex(cause)
	err = h.examine(ctx, root, nil)
	return h, err
}

// examineWithout examines the files alone if the index is at fault.
func examineWithout(ctx context.Context, dir *durable.Dir, cause error) (*Health, error) {
	var damage *state.DamageError
	if !errors.As(cause, &damage) && !errors.Is(cause, state.ErrIndex) {
		return nil, cause
	}
	return ExamineFiles(ctx, dir, cause)
}

// examine examines each job. The index is nil if there is none to compare with.
func (h *Health) examine(ctx context.Context, root *os.Root, index state.Store) error {
	archives, err := jobdir.OpenAll(root, h.Path)
	if err != nil {
		return err
	}
	for _, a := range archives {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
			break
		}
		h.examineJob(ctx, a, index)
	}
	return errors.Join(err, h.examineRuns(), jobdir.CloseAll(archives))
}
