package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink"
)

// Removal is what RemoveKept did for a run that has ended.
type Removal struct {
	Name    string `json:"name"`
	Removed int    `json:"removed"`          // batches whose files are gone from the provider now
	Files   int    `json:"files,omitempty"`  // files of rows that are deleted at the provider now
	Remote  Remote `json:"remote"`           // what it still stores
	Reason  string `json:"reason,omitempty"` // why, if something could not be removed
}

// RemoveKept removes files that the provider still stores for runs that have
// ended, unless Job.KeepRemote keeps them. These are files that a run could not
// remove at its end, and files that have become due since. It leaves alone runs
// that have not ended, are under way or belong to other providers. A run with
// routes at several providers or accounts needs all of them: what is at the
// others is left, and Reason says so. It returns the runs that had something to
// remove.
func (d *Dir) RemoveKept(ctx context.Context, providers ...sink.Provider) (all []Removal, err error) {
	err = d.use(func(store *state.Dir) error {
		all, err = removeAllKept(ctx, providers, store)
		return err
	})
	return all, err
}

func removeAllKept(ctx context.Context, providers []sink.Provider, store *state.Dir) (all []Removal, err error) {
	runs, err := jobdir.List(store.Root())
	if err != nil {
		return nil, err
	}
	for _, job := range runs {
		serving, err := servingOf(store, job, providers)
		if err != nil {
			return all, err
		}
		if len(serving) == 0 {
			continue
		}
		r, found, err := removeKept(ctx, serving, store, job)
		switch {
		case errors.Is(err, ErrRunning):
			continue
		case err != nil:
			return all, fmt.Errorf("durable: remove the files of %q: %w", job.Name, err)
		case found:
			all = append(all, r)
		}
	}
	return all, nil
}

// servingOf returns those of the providers that a job has had routes at.
func servingOf(store *state.Dir, job jobdir.Meta, providers []sink.Provider) (serving []sink.Provider, err error) {
	names := []string{job.Provider}
	if a, openErr := jobdir.Open(store.Root(), job.Name); openErr == nil { // or else withJob says why
		names, err = a.Providers(), a.Close()
	}
	for _, name := range names {
		for _, p := range providers {
			if p.Info().Name == name {
				serving = append(serving, p)
			}
		}
	}
	return serving, err
}

// removeKept reports whether there was something to remove.
func removeKept(ctx context.Context, providers []sink.Provider, store *state.Dir, job jobdir.Meta) (r Removal, found bool, err error) {
	r.Name = job.Name
	err = withJob(ctx, providers, store, job, func(e *engine) error {
		due := len(e.cleaner.due())
		if _, known := e.clock.clock(); due > 0 && !known { // it may be too early
			_ = sink.Now(ctx, providers[0])
			due = len(e.cleaner.due())
		}
		files := len(e.cleaner.storedDue())
		if due+files > 0 {
			e.cleaner.removeDue(ctx)
		}
		r.Files = int(e.cleaner.filesDeleted.Load())
		if open := len(e.open); open > 0 && e.cleaner.hasEnded() {
			r.Reason = counted(open, "batch is", "batches are") + " settled and not finished: run it again"
		}
		r.Removed, r.Remote = due-len(e.cleaner.due()), e.cleaner.remote()
		for _, n := range e.notices.list() {
			if n.Kind == NoticeStorage {
				r.Reason = n.Text
			}
		}
		found = due+files > 0 || r.Reason != ""
		return errors.Join(e.showRemote(), context.Cause(ctx))
	})
	return r, found, err
}

// showRemote updates the status file with what the provider stores.
func (e *engine) showRemote() error {
	var s snapshot
	found, err := e.dir.Read(rundir.StatusFile, &s)
	if err != nil || !found {
		return err
	}
	s.Remote, s.Notices, s.Updated = e.cleaner.remote(), e.notices.list(), time.Now()
	return e.dir.Write(rundir.StatusFile, s)
}

// withJobOf opens the job of that name, which no process runs, and calls do
// with it.
func (d *Dir) withJobOf(ctx context.Context, provider sink.Provider, name string, do func(*engine) error) error {
	return d.use(func(store *state.Dir) error {
		job, err := jobdir.Find(store.Root(), name)
		if err != nil {
			return err
		}
		return withJob(ctx, []sink.Provider{provider}, store, job, do)
	})
}

// withJob opens a job that no process runs, with a route at each provider, and
// calls do with it.
func withJob(ctx context.Context, providers []sink.Provider, store *state.Dir, job jobdir.Meta, do func(*engine) error) (err error) {
	routes := make([]Route, len(providers))
	for i, p := range providers {
		routes[i].Provider = p
	}
	c := (&Job[any]{Name: job.Name, Settings: job.Settings, Routes: routes}).config()
	c.use(store)
	lock, err := c.dir.Begin(store.Root())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	e, err := open(ctx, c)
	if err != nil {
		return explainBlocked(err)
	}
	return errors.Join(explainBlocked(do(e)), e.close())
}
