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

	"github.com/balerhq/baler/flow/state"
)

// OpenError refuses to drop a run that the provider has something for.
type OpenError struct {
	Name    string
	Batches []string // open, or not delivered yet: the provider's names, or tags
	Stored  int      // settled batches of which the provider still stores files
}

// Error names the batches.
func (e *OpenError) Error() string {
	if len(e.Batches) == 0 {
		return fmt.Sprintf("durable: the provider still stores the files of %d batches of the run %q", e.Stored, e.Name)
	}
	names, more := e.Batches, ""
	if n := len(names) - 5; n > 0 {
		names, more = names[:5], fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("durable: the run %q has open batches: %s%s", e.Name, strings.Join(names, ", "), more)
}

// mustBeIdle returns an *OpenError if the provider has something for the run.
func (a *Archive) mustBeIdle() error {
	e := &OpenError{Name: a.job.Name}
	for tag, in := range a.intents {
		switch {
		case !in.Done() && in.Batch != "":
			e.Batches = append(e.Batches, in.Batch)
		case !in.Done():
			e.Batches = append(e.Batches, tag)
		case (in.Batch != "" || in.File != "") && !a.removed[tag] && a.keep != KeepForever:
			e.Stored++
		}
	}
	if len(e.Batches) == 0 && e.Stored == 0 {
		return nil
	}
	slices.Sort(e.Batches)
	return e
}

// beginFresh makes another epoch of a job, whatever became of the one before, of
// which nothing but its answers is kept. The order is that a crash leaves the old
// one as it was, or the new one: a run that was cancelled does not go on in
// between.
func (c *config) beginFresh(ctx context.Context) error {
	meta := register[jobMeta]{key: metaKey(c.name)}
	if err := load(ctx, c.store, &meta); err != nil || meta.rev == 0 || meta.value.Forgotten {
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
	now := jobMeta{
		ID: newJobID(), Name: c.name, Provider: c.provider.Name(), Settings: c.settings, Epoch: meta.value.Epoch + 1, Started: time.Now(),
	}
	root, err := beginJob(ctx, c, &meta, now)
	if err != nil {
		return err
	}
	return errors.Join(root.Close(), c.dir.renew())
}

func (c *config) mustBeIdle() error {
	a, err := openArchive(c.store.Root(), c.name)
	if errors.Is(err, ErrNoRun) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(a.mustBeIdle(), a.Close())
}

// renew makes a run wanted again that was cancelled or paused in another epoch.
func (d runDir) renew() error {
	c, err := d.control()
	if err != nil || c.Want == Running {
		return err
	}
	c = control{Rev: c.Rev + 1, Want: Running, At: time.Now()}
	return errors.Join(d.write(controlCopy, c), d.write(controlFile, c))
}

// earlierPrefix begins the names of the directories of earlier epochs, which hold
// what they were answered, for the cache.
const earlierPrefix = "earlier-"

// dropEpoch removes the directory of an earlier epoch, unless it has answers: then
// it is kept for the cache, until it is pruned.
func dropEpoch(root *os.Root, k keys) error {
	dir := k.dir()
	answers, err := fs.ReadDir(root.FS(), dir+"/"+answerDir)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(answers) == 0:
		return root.RemoveAll(dir)
	case err != nil:
		return err
	}
	return root.Rename(dir, earlierPrefix+strings.TrimPrefix(dir, jobPrefix))
}

// pruneEarlier removes the directories of earlier epochs whose last answer is as
// old as r says.
func pruneEarlier(root *os.Root, r Retention) (done []Pruned, err error) {
	dirs, err := fs.Glob(root.FS(), earlierPrefix+"*")
	if err != nil || r.Name != "" {
		return nil, err
	}
	for _, dir := range dirs {
		p, err := pruneEarlierDir(root, dir, r)
		if err != nil {
			return done, fmt.Errorf("durable: prune %s: %w", dir, err)
		}
		if p.Bytes > 0 {
			done = append(done, p)
		}
	}
	return done, nil
}

func pruneEarlierDir(root *os.Root, dir string, r Retention) (p Pruned, err error) {
	sub, err := root.OpenRoot(dir)
	if err != nil {
		return p, err
	}
	defer sub.Close()
	p = Pruned{Name: dir}
	if job, err := readJob(root, dir); err == nil && job != nil {
		p.Name = job.Name + " (earlier)"
	}
	if p.Answers, p.Ended, err = countAnswers(sub); err != nil || time.Since(p.Ended) < r.OlderThan {
		return Pruned{}, err
	}
	if p.Bytes, err = sizeOf(sub, []string{"."}); err != nil || r.DryRun {
		return p, err
	}
	return p, root.RemoveAll(dir)
}

// countAnswers counts what other jobs can take from a job, and says when the last
// of it came.
func countAnswers(job *os.Root) (n int, last time.Time, err error) {
	files, err := fs.ReadDir(job.FS(), answerDir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, last, nil
	}
	for _, f := range files {
		h, _, err := readAnswers(job, answerName(f.Name()), "", false)
		if err != nil {
			continue // no cache takes it
		}
		n += h.N
		if h.At.After(last) {
			last = h.At
		}
	}
	return n, last, err
}

// Forget removes all that a state directory knows of a run that has ended, or has
// bought nothing, such as one that failed on its input. Its name is then free. The
// output file is not touched. The error is ErrNoRun, ErrRunning, an *OpenError, or
// that the run has not ended. Abandon forgets a run even though the provider still
// stores files of it.
func Forget(ctx context.Context, store *state.Dir, name string, abandon bool) error {
	dir := newRunDir(store.Path(), name)
	if _, err := os.Stat(dir.path); errors.Is(err, fs.ErrNotExist) {
		_, err := findJob(store.Root(), name)
		if err != nil {
			return err
		}
	}
	lock, err := dir.begin(store.Root())
	if err != nil {
		return err
	}
	err = forget(ctx, store, name, abandon)
	if err == nil {
		err = store.Root().RemoveAll(runsDir + "/" + dir.name())
	}
	return errors.Join(err, lock.Unlock())
}

func forget(ctx context.Context, store *state.Dir, name string, abandon bool) error {
	a, err := openArchive(store.Root(), name)
	if errors.Is(err, ErrNoRun) {
		return nil // its first start failed
	}
	if err != nil {
		return err
	}
	if err := errors.Join(a.mayForget(ctx, store, abandon), a.Close()); err != nil {
		return err
	}
	meta := register[jobMeta]{key: metaKey(name)}
	if err := load(ctx, store, &meta); err != nil {
		return err
	}
	gone := meta.value
	if meta.rev > 0 && !gone.Forgotten {
		gone = jobMeta{ID: newJobID(), Name: name, Provider: gone.Provider, Epoch: gone.Epoch + 1, Started: time.Now(), Forgotten: true}
		op, err := meta.put(gone)
		if err != nil {
			return err
		}
		if err := store.Commit(ctx, op); err != nil {
			return err
		}
	}
	return store.Root().RemoveAll(a.keys.dir())
}

func (a *Archive) mayForget(ctx context.Context, store *state.Dir, abandon bool) error {
	err := a.mustBeIdle()
	if open, ok := errors.AsType[*OpenError](err); ok && len(open.Batches) == 0 && abandon {
		err = nil
	}
	if err != nil || len(a.intents) == 0 || a.cancelled || a.pruned != nil {
		return err
	}
	end, err := endOf(ctx, store, a.keys)
	if err == nil && !end.finished() {
		err = fmt.Errorf("durable: the run %q has not ended: finish or cancel it first", a.job.Name)
	}
	return err
}
