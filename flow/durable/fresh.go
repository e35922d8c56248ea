package durable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/flow/state"
)

// OpenError refuses to drop a run while the provider has batches or files of
// it.
type OpenError struct {
	Name    string
	Batches []string // open, or not delivered yet: the provider's names, or tags
	Stored  int      // settled batches whose files the provider still stores
	Files   int      // files of rows that the provider still stores, see Job.FileUpload
}

// Error names the batches.
func (e *OpenError) Error() string {
	if len(e.Batches) == 0 && e.Files > 0 {
		return fmt.Sprintf("durable: the provider still stores %s, and those of %s, of the run %q", counted(e.Files, "file of rows", "files of rows"), batchCount(e.Stored), e.Name)
	}
	if len(e.Batches) == 0 {
		return fmt.Sprintf("durable: the provider still stores the files of %s of the run %q", batchCount(e.Stored), e.Name)
	}
	names, more := e.Batches, ""
	if n := len(names) - 5; n > 0 {
		names, more = names[:5], fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("durable: the run %q has open batches: %s%s", e.Name, strings.Join(names, ", "), more)
}

// mustBeIdle returns an *OpenError if the provider has batches or files of the
// run.
func mustBeIdle(a *jobdir.Job) error {
	e := &OpenError{Name: a.Meta.Name}
	for tag, in := range a.Intents {
		switch {
		case !in.Done() && in.Batch != "":
			e.Batches = append(e.Batches, in.Batch)
		case !in.Done():
			e.Batches = append(e.Batches, tag)
		case (in.Batch != "" || in.File != "") && !a.Removed[tag] && a.Keep != KeepForever:
			e.Stored++
		}
	}
	for _, f := range a.Stored {
		if f.MayBeThere() && a.Keep != KeepForever {
			e.Files++
		}
	}
	if len(e.Batches) == 0 && e.Stored+e.Files == 0 {
		return nil
	}
	slices.Sort(e.Batches)
	return e
}

// beginFresh begins a new epoch of a job, whatever the state of the old one.
// Only the answers of the old one are kept. The order of the writes makes sure
// that a crash leaves either the old epoch as it was or the new one. A run that
// was cancelled does not go on in between.
func (c *config) beginFresh(ctx context.Context) error {
	meta := jobdir.Record[jobdir.Meta]{Key: jobdir.MetaKey(c.name)}
	if err := jobdir.Load(ctx, c.store, &meta); err != nil || meta.Rev == 0 || meta.Value.Forgotten {
		return err
	}
	if o, ok := c.output.(interface{ mustBeNew() error }); ok {
		if err := o.mustBeNew(); err != nil {
			return err
		}
	}
	if err := c.mustBeIdle(); err != nil {
		return err
	}
	now := jobdir.Meta{
		ID: jobdir.NewJobID(), Name: c.name, Provider: c.first().info.Name, Settings: c.settings, Epoch: meta.Value.Epoch + 1, Started: time.Now(),
	}
	root, err := beginJob(ctx, c, &meta, now)
	if err != nil {
		return err
	}
	return errors.Join(root.Close(), c.dir.RenewFresh())
}

func (c *config) mustBeIdle() error {
	a, err := jobdir.Open(c.store.Root(), c.name)
	if errors.Is(err, ErrNoRun) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(mustBeIdle(a), a.Close())
}

// Forget removes everything that a state directory holds about a run. The run
// must have ended, or must have bought nothing, for example because it failed
// on its input. Its name is free afterwards. The output file is not touched.
// The error is ErrNoRun, ErrRunning, an *OpenError, or says that the run has
// not ended. With abandon, a run is forgotten even if the provider still stores
// files of it.
func (d *Dir) Forget(ctx context.Context, name string, abandon bool) error {
	return d.use(func(store *state.Dir) error { return forgetLocked(ctx, store, name, abandon) })
}

// forgetLocked holds the run's lock meanwhile.
func forgetLocked(ctx context.Context, store *state.Dir, name string, abandon bool) error {
	dir := rundir.New(store.Path(), name)
	if _, err := os.Stat(dir.Path); errors.Is(err, fs.ErrNotExist) {
		_, err := jobdir.Find(store.Root(), name)
		if err != nil {
			return err
		}
	}
	lock, err := dir.Begin(store.Root())
	if err != nil {
		return err
	}
	err = forget(ctx, store, name, abandon)
	if err == nil {
		err = store.Root().RemoveAll(rundir.RunsDir + "/" + dir.Name())
	}
	return errors.Join(err, lock.Unlock())
}

func forget(ctx context.Context, store *state.Dir, name string, abandon bool) error {
	run, _, err := readStatus(rundir.New(store.Path(), name))
	if err != nil && !errors.Is(err, ErrNoRun) {
		return err
	}
	a, err := jobdir.Open(store.Root(), name)
	if errors.Is(err, ErrNoRun) {
		return nil // its first start failed
	}
	if err != nil {
		return err
	}
	if err := errors.Join(mayForget(ctx, a, run.State == StateCancelled, store, abandon), a.Close()); err != nil {
		return err
	}
	meta := jobdir.Record[jobdir.Meta]{Key: jobdir.MetaKey(name)}
	if err := jobdir.Load(ctx, store, &meta); err != nil {
		return err
	}
	gone := meta.Value
	if meta.Rev > 0 && !gone.Forgotten {
		gone = jobdir.Meta{ID: jobdir.NewJobID(), Name: name, Provider: gone.Provider, Epoch: gone.Epoch + 1, Started: time.Now(), Forgotten: true}
		op, err := meta.Put(gone)
		if err != nil {
			return err
		}
		if err := store.Commit(ctx, op); err != nil {
			return err
		}
	}
	return store.Root().RemoveAll(a.Keys.Dir())
}

func mayForget(ctx context.Context, a *jobdir.Job, cancelled bool, store *state.Dir, abandon bool) error {
	err := mustBeIdle(a)
	if open, ok := errors.AsType[*OpenError](err); ok && len(open.Batches) == 0 && abandon {
		err = nil
	}
	if err != nil || len(a.Intents) == 0 || cancelled || a.Pruned != nil {
		return err
	}
	end, err := jobdir.EndOf(ctx, store, a.Keys)
	if err == nil && !end.Finished() && !end.NothingAdded() {
		err = fmt.Errorf("durable: the run %q has not ended: finish or cancel it first", a.Meta.Name)
	}
	return err
}
