package doctor

import (
	"context"
	"fmt"
	"maps"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// comparison is a job whose files agree with each other and are compared with
// the index.
type comparison struct {
	*jobdir.Dir
	history *jobdir.History
	source  jobdir.SourceState
	waiting map[jobdir.Digest]bool
}

// examineIndex compares the index with the files of a job. The index may lag by
// one step of the source, and one of each batch that it is told of.
func (h *Health) examineIndex(ctx context.Context, index state.Store, x *comparison) {
	if h.addIndex(x.Verify(ctx, index, &x.history.Replayed)); h.Needs(RepairJournal) {
		return // the other checks would only repeat it
	}
	for _, check := range []func(context.Context, state.Store) error{
		x.checkJob, x.checkLevels, x.checkOutput, x.checkProgress, x.checkReady,
	} {
		h.addIndex(check(ctx, index))
	}
}

// lost returns a problem of the index.
func (x *comparison) lost(format string, args ...any) error {
	return &state.DamageError{Dir: x.Path, File: indexFile(), Err: fmt.Errorf("job %q: "+format, append([]any{x.history.Meta.Name}, args...)...)}
}

func (x *comparison) checkJob(ctx context.Context, index state.Store) error {
	meta := jobdir.Record[jobdir.Meta]{Key: jobdir.MetaKey(x.history.Meta.Name)}
	if err := jobdir.Load(ctx, index, &meta); err != nil {
		return err
	}
	if meta.Rev == 0 || meta.Value.Keys() != x.Keys {
		return x.lost("it does not know the job")
	}
	return nil
}

// checkOutput accepts that the journal has one chunk that the index does not
// have yet.
func (x *comparison) checkOutput(ctx context.Context, index state.Store) error {
	output := jobdir.Record[jobdir.OutputState]{Key: x.Keys.Output()}
	if err := jobdir.Load(ctx, index, &output); err != nil {
		return err
	}
	have, n := output.Value, len(x.history.Settled)
	switch {
	case have.Equal(x.history.Output), n == 1 && have.Settled() == 0, n > 1 && have.Equal(x.history.Settled[n-2].Output):
		return nil
	}
	return x.lost("%d results are recorded in it, and %d in the journal", have.Settled(), x.history.Output.Settled())
}

func (x *comparison) checkProgress(ctx context.Context, index state.Store) error {
	for tag := range x.history.Intents {
		have, err := x.RowsSettled(ctx, index, tag)
		if err != nil {
			return err
		}
		if last := x.history.Last(tag); have != last.Until && have != last.From {
			return x.lost("%d rows of batch %s are settled in it, and %d in the journal", have, tag, last.Until)
		}
	}
	return nil
}

// checkLevels checks that the ready logs can be opened.
func (x *comparison) checkLevels(ctx context.Context, index state.Store) error {
	for rec, err := range index.Scan(ctx, x.Keys.Make('e'), nil) {
		if err != nil {
			return err
		}
		number := rec.Key[len(rec.Key)-1]
		tail := jobdir.Record[jobdir.TailState]{Key: x.Keys.Tail(number)}
		if err := jobdir.Load(ctx, index, &tail); err != nil {
			return err
		}
		if err := segment.Check(x.Root, jobdir.LevelDir(number), x.ReadyLabel(number), tail.Value.End); err != nil {
			return x.Damaged(jobdir.ReadyDir, err)
		}
	}
	return nil
}

// checkReady checks that the waiting items are in the ready log.
func (x *comparison) checkReady(ctx context.Context, index state.Store) error {
	missing := maps.Clone(x.waiting)
	if err := x.allow(ctx, index, missing); err != nil {
		return err
	}
	err := readyEntries(ctx, x.Dir, index, func(e jobdir.Entry) { delete(missing, jobdir.ClaimKey(e.Key)) })
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return x.lost("%d rows that are in no batch are not in the ready log", len(missing))
	}
	return nil
}

// allow removes the rows of chunks whose retries are in the journal and not yet
// in the index.
func (x *comparison) allow(ctx context.Context, index state.Store, missing map[jobdir.Digest]bool) error {
	for tag, in := range x.history.Intents {
		last := x.history.Last(tag)
		have, err := x.RowsSettled(ctx, index, tag)
		if err != nil {
			return err
		}
		if have == last.Until || len(last.Again) == 0 {
			continue
		}
		entries, err := x.Entries(tag, in.Rows)
		if err != nil {
			return err
		}
		for i := range entries {
			delete(missing, jobdir.ClaimKey(entries[i].Key))
		}
	}
	return nil
}
