package archive

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/balerhq/baler/flow/durable"
)

// followInterval is how often a Follower looks whether there are more results.
const followInterval = time.Second

// Follow returns a source of the results of a run: those that it has, and then
// those that settle, in that order, until the run has ended. So a job can live
// on the results of another one, in the same process or another. It can be
// killed and run again at any time, and so can the run that it follows; as long
// as no process runs that one, Follow waits. The error is ErrNoRun, of the
// first item, if there is no run of that name: start it first.
//
// The Query says which results count, and what reads them. It must not be
// Ordered. The key of an item should be made of the ID of its result. The run
// must not be pruned, nor begin anew, before the job has read it.
func Follow(dir *durable.Dir, name string, q Query) *Follower {
	return &Follower{dir: dir, name: name, q: q, at: q.After, ctx: context.Background()}
}

// Follower is the source that Follow returns.
type Follower struct {
	dir  *durable.Dir
	name string
	q    Query
	ctx  context.Context //nolint:containedctx // of Items, which takes none

	at      Cursor // after the result that was yielded last
	n       int    // results that were yielded, also by earlier processes
	settled int    // results that the run had when it was read last
}

var _ durable.Feed[Result] = (*Follower)(nil)

// Begin sets the context with which Items ends.
func (f *Follower) Begin(ctx context.Context) { f.ctx = ctx }

// Kept does nothing: the results are kept in any case.
func (f *Follower) Kept(int) error { return nil }

// Items yields the results, and waits for more of them.
func (f *Follower) Items() iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		if err := f.follow(yield); err != nil {
			yield(Result{}, err)
		}
	}
}

func (f *Follower) follow(yield func(Result, error) bool) error {
	if f.q.Ordered {
		return errors.New("durable: Query.Ordered: results cannot be followed in the order of the input")
	}
	run, err := f.dir.Attach(f.name)
	if err != nil {
		return err
	}
	tick := time.NewTicker(followInterval)
	defer tick.Stop()
	f.settled = -1
	for {
		s, err := run.Status() // first: after its end nothing is settled
		if err != nil {
			return err
		}
		if s.Settled() != f.settled || s.Ended() {
			if more, err := f.read(yield); err != nil || !more {
				return err
			}
			f.settled = s.Settled()
		}
		if s.Ended() {
			return nil
		}
		select {
		case <-tick.C:
		case <-f.ctx.Done():
			return context.Cause(f.ctx)
		}
	}
}

// read yields the results that the run has after the last one.
func (f *Follower) read(yield func(Result, error) bool) (more bool, err error) {
	a, err := Open(f.dir, f.name)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	q := f.q
	q.After = f.at
	for r, err := range a.Results(q) {
		if err != nil {
			return false, err
		}
		f.at = r.Cursor
		f.n++
		if !yield(r, nil) {
			return false, nil
		}
		if f.ctx.Err() != nil {
			return false, context.Cause(f.ctx)
		}
	}
	return true, nil
}

// Position returns the name of the run and the number of the result that was
// yielded last.
func (f *Follower) Position() (name string, line int) { return f.name, f.n }

// Checkpoint returns the place after the result that was yielded last.
func (f *Follower) Checkpoint() string { return fmt.Sprintf("%d %s", f.n, f.at) }

// Resume makes Items go on after a checkpoint.
func (f *Follower) Resume(checkpoint string) error {
	n, at := 0, f.q.After
	if checkpoint != "" {
		number, cursor, _ := strings.Cut(checkpoint, " ")
		var err error
		if n, err = strconv.Atoi(number); err != nil {
			return fmt.Errorf("durable: %q is no checkpoint of a run that is followed", checkpoint)
		}
		at = Cursor(cursor)
	}
	f.n, f.at = n, at
	return nil
}
