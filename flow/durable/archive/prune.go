package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/journal"
)

// ErrPruned means that the results of a run are not kept any more.
var ErrPruned = errors.New("durable: the run was pruned")

// ErrClock means that this machine's clock may be wrong. According to it,
// nothing has happened in the state directory for so long that results may be
// younger than they seem.
var ErrClock = errors.New("durable: the clock of this machine may be wrong")

// Retention selects the runs whose files Prune removes. Its zero value means
// all runs that have ended.
type Retention struct {
	// Name selects a single run, which must have ended. Zero means all runs
	// that have ended.
	Name string
	// OlderThan is how long ago a run must have ended. Zero means any time.
	OlderThan time.Duration
	// Force trusts this machine's clock, see ErrClock.
	Force bool
	// Except are names of runs that keep everything. One that is also the Name
	// is an error.
	Except []string
	// DryRun changes nothing.
	DryRun bool
}

// Pruned is a run whose files are gone.
type Pruned struct {
	Name  string    `json:"name"`
	Ended time.Time `json:"ended"` // when the last of its results was settled
	Bytes int64     `json:"bytes"` // of the files that are gone
	// Raw is how many of the Bytes are what the provider has sent, see
	// Job.KeepRaw.
	Raw int64 `json:"raw"`
	// Answers is how many of the run's answers other runs could have taken from
	// the cache, if the answers were young enough.
	Answers int `json:"answers"`
}

// Prune removes the requests and the results of runs that are finished or
// cancelled, with what the provider has sent of these, and returns these runs. Their journal and their records in the
// index stay: such a run is still finished, and its items are not sent again.
// Other jobs can no longer take answers from its results. A run that has not
// ended, or is under way, is left alone; if it was named, that is an error.
//
// Prune calls no provider, so the age of a run depends on this machine's clock
// alone. If nothing in the directory is younger than both OlderThan and
// DefaultCache by that clock, the error is ErrClock, unless Force is set.
func Prune(ctx context.Context, dir *durable.Dir, r Retention) (all []Pruned, err error) {
	index, err := dir.Store()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	root, err := openRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	p := &pruning{r, dir, root, index}
	return p.prune(ctx)
}

// pruning is a state directory of which runs are pruned.
type pruning struct {
	Retention
	dir   *durable.Dir
	root  *os.Root
	index state.Store
}

func (x *pruning) prune(ctx context.Context) ([]Pruned, error) {
	all, err := prunable(x.root, x.Name)
	if err != nil {
		return nil, err
	}
	if x.OlderThan > 0 && !x.Force {
		if err := x.mustBeInUse(max(x.OlderThan, durable.DefaultCache)); err != nil {
			return nil, err
		}
	}
	var done []Pruned
	for _, job := range all {
		if ctx.Err() != nil {
			return done, context.Cause(ctx)
		}
		if slices.Contains(x.Except, job.Name) {
			if x.Name != "" {
				return done, fmt.Errorf("durable: prune %q: it is excepted", job.Name)
			}
			continue
		}
		p, err := x.pruneUnlessRun(ctx, job)
		if err != nil {
			return done, fmt.Errorf("durable: prune %q: %w", job.Name, err)
		}
		if p.Bytes > 0 {
			done = append(done, p)
		}
	}
	earlier, err := pruneEarlier(x.root, x.Retention)
	return append(done, earlier...), err
}

// mustBeInUse returns ErrClock if, by this machine's clock, nothing was
// recorded for so long.
func (x *pruning) mustBeInUse(long time.Duration) error {
	last, err := x.lastRecorded()
	if err != nil || last.IsZero() || time.Since(last) < long {
		return err
	}
	return fmt.Errorf("%w: by it, nothing has happened in the state directory since %s, which is %d days ago",
		ErrClock, last.Local().Format(time.DateTime), time.Since(last)/(24*time.Hour))
}

// lastRecorded returns when something was last bought or settled, zero if
// nothing was.
func (x *pruning) lastRecorded() (last time.Time, err error) {
	all, err := jobdir.List(x.root)
	if err != nil {
		return last, err
	}
	for _, job := range all {
		a, err := openArchive(x.dir, x.root, job.Name)
		if err != nil {
			return last, err
		}
		last = latest(last, lastOf(a))
		if err := a.Close(); err != nil {
			return last, err
		}
	}
	return last, nil
}

func lastOf(a *Archive) (last time.Time) {
	for _, in := range a.Intents {
		last = latest(last, in.SentAt)
	}
	for _, c := range a.Chunks {
		last = latest(last, c.At)
	}
	return last
}

func prunable(state *os.Root, name string) ([]jobdir.Meta, error) {
	if name == "" {
		return jobdir.List(state)
	}
	job, err := jobdir.Find(state, name)
	return []jobdir.Meta{job}, err
}

// pruneUnlessRun holds the run's lock meanwhile. A run that is under way is
// left alone.
func (x *pruning) pruneUnlessRun(ctx context.Context, job jobdir.Meta) (p Pruned, err error) {
	lock, err := rundir.New(x.dir.Path(), job.Name).Begin(x.root)
	if errors.Is(err, durable.ErrRunning) && x.Name == "" {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p, err = x.pruneJob(ctx, job)
	return p, errors.Join(err, lock.Unlock())
}

// pruneJob returns zero Bytes if the job has to stay or has nothing left.
func (x *pruning) pruneJob(ctx context.Context, job jobdir.Meta) (p Pruned, err error) {
	a, err := openArchive(x.dir, x.root, job.Name)
	if err != nil {
		return p, err
	}
	defer a.Close()
	ending, err := jobdir.EndOf(ctx, x.index, job.Keys())
	if err != nil {
		return p, err
	}
	if !a.cancelled && !ending.Finished() {
		if x.Name != "" {
			err = errors.New("it has not ended: finish or cancel it first")
		}
		return p, err
	}
	p.Name = job.Name
	if p.Ended, err = ended(a); err != nil || time.Since(p.Ended) < x.OlderThan {
		return p, err
	}
	if p.Answers, _, err = countAnswers(a.Root); err != nil {
		return p, err
	}
	if p.Raw, err = sizeOf(a.Root, []string{jobdir.RawDir}); err != nil {
		return p, err
	}
	run := rundir.New(x.dir.Path(), job.Name)
	inputs, err := run.SizeOfInputs()
	if err != nil {
		return p, err
	}
	p.Bytes, err = size(a)
	if p.Bytes += inputs; err != nil || x.DryRun || p.Bytes == 0 {
		return p, err
	}
	return p, errors.Join(a.prune(ending), run.RemoveInputs())
}

// prune first records in the journal that the files are gone, and then removes
// them. If a crash leaves some, the next Prune removes them.
func (a *Archive) prune(end jobdir.Ending) error {
	if a.Pruned == nil {
		j, err := journal.Open(a.Root, jobdir.JournalFile, a.ID, func([]byte) error { return nil })
		if err != nil {
			return err
		}
		if err := errors.Join(j.Append(jobdir.Line{Pruned: &end}), j.Close()); err != nil {
			return err
		}
	}
	for _, dir := range jobdir.PrunedDirs {
		if err := a.Root.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// ended returns when the last result was settled. If there is none, it returns
// when the journal was last written.
func ended(a *Archive) (last time.Time, err error) {
	for _, c := range a.Chunks {
		last = latest(last, c.At)
	}
	if !last.IsZero() {
		return last, nil
	}
	info, err := a.Root.Stat(jobdir.JournalFile)
	if err != nil {
		return last, err
	}
	return info.ModTime(), nil
}

// size returns the size of all files that prune removes.
func size(a *Archive) (int64, error) { return sizeOf(a.Root, jobdir.PrunedDirs) }

func sizeOf(root *os.Root, dirs []string) (total int64, err error) {
	for _, dir := range dirs {
		err := fs.WalkDir(root.FS(), dir, func(_ string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			info, err := d.Info()
			if err == nil {
				total += info.Size()
			}
			return err
		})
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return 0, err
		}
	}
	return total, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
