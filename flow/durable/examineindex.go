package durable

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// examined is a job whose files agree with each other.
type examined struct {
	*files
	history *history
	source  sourceState
	waiting map[digest]bool
}

// examineIndex compares the index with the files of a job, of which it may be
// behind by one step of each batch, and one of the source.
func (h *Health) examineIndex(ctx context.Context, index state.Store, x *examined) {
	if h.addIndex(x.verify(ctx, index, &x.history.memory)); h.Needs(RewriteJournal) {
		return // the rest would only say so again
	}
	for _, check := range []func(context.Context, state.Store) error{
		x.checkJob, x.checkLevels, x.checkOutput, x.checkProgress, x.checkItems, x.checkReady,
	} {
		h.addIndex(check(ctx, index))
	}
}

// lost is a problem of the index.
func (x *examined) lost(format string, args ...any) error {
	return &state.DamageError{Dir: x.path, File: indexFile(), Err: fmt.Errorf("job %q: "+format, append([]any{x.history.job.Name}, args...)...)}
}

func (x *examined) checkJob(ctx context.Context, index state.Store) error {
	meta := register[jobMeta]{key: metaKey(x.history.job.Name)}
	if err := load(ctx, index, &meta); err != nil {
		return err
	}
	if meta.rev == 0 || meta.value.keys() != x.keys {
		return x.lost("it does not know the job")
	}
	return nil
}

// checkOutput allows for a chunk that the journal knows of and the index does not.
func (x *examined) checkOutput(ctx context.Context, index state.Store) error {
	outbox := register[outputState]{key: x.keys.output()}
	if err := load(ctx, index, &outbox); err != nil {
		return err
	}
	have, n := outbox.value, len(x.history.settled)
	switch {
	case have == x.history.output, n == 1 && have.settled() == 0, n > 1 && have == x.history.settled[n-2].Output:
		return nil
	}
	return x.lost("%d results are recorded in it, and %d in the journal", have.settled(), x.history.output.settled())
}

func (x *examined) checkProgress(ctx context.Context, index state.Store) error {
	for tag := range x.history.intents {
		have, err := x.rowsSettled(ctx, index, tag)
		if err != nil {
			return err
		}
		if last := x.history.last(tag); have != last.Until && have != last.From {
			return x.lost("%d rows of batch %s are settled in it, and %d in the journal", have, tag, last.Until)
		}
	}
	return nil
}

func (a *files) rowsSettled(ctx context.Context, index state.Store, tag string) (uint64, error) {
	rec, err := index.Get(ctx, a.keys.progress(tag))
	if errors.Is(err, state.ErrNotFound) {
		return 0, nil
	}
	d := decoder{b: rec.Value}
	return d.u64(), errors.Join(err, d.err)
}

// checkItems counts the records of items, of which each has a checksum.
func (x *examined) checkItems(ctx context.Context, index state.Store) error {
	n := 0
	for _, err := range index.Scan(ctx, x.keys.make('i'), nil) {
		if err != nil {
			return err
		}
		n++
	}
	if n != x.source.Rows {
		return x.lost("it knows %d rows of %d", n, x.source.Rows)
	}
	return nil
}

// checkLevels looks whether the logs of the ready queue can be opened.
func (x *examined) checkLevels(ctx context.Context, index state.Store) error {
	for rec, err := range index.Scan(ctx, x.keys.make('e'), nil) {
		if err != nil {
			return err
		}
		number := rec.Key[len(rec.Key)-1]
		tail := register[tailState]{key: x.keys.tail(number)}
		if err := load(ctx, index, &tail); err != nil {
			return err
		}
		if err := segment.Check(x.root, levelDir(number), x.readyLabel(number), tail.value.End); err != nil {
			return x.damaged(readyDir, err)
		}
	}
	return nil
}

// checkReady looks for the items that wait in the ready queue.
func (x *examined) checkReady(ctx context.Context, index state.Store) error {
	missing := maps.Clone(x.waiting)
	if err := x.allow(ctx, index, missing); err != nil {
		return err
	}
	err := x.readyEntries(ctx, index, func(e entry) { delete(missing, claimKey(e.key)) })
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return x.lost("%d rows that are in no batch are not in the ready queue", len(missing))
	}
	return nil
}

// allow takes out the rows of chunks of which the journal knows that they go
// again, and the index does not.
func (x *examined) allow(ctx context.Context, index state.Store, missing map[digest]bool) error {
	for tag, in := range x.history.intents {
		last := x.history.last(tag)
		have, err := x.rowsSettled(ctx, index, tag)
		if err != nil {
			return err
		}
		if have == last.Until || len(last.Again) == 0 {
			continue
		}
		entries, err := x.entries(tag, in.Rows)
		if err != nil {
			return err
		}
		for i := range entries {
			delete(missing, claimKey(entries[i].key))
		}
	}
	return nil
}
