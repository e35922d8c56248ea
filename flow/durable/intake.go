package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// intake reads the source and keeps what it yields.
type intake struct {
	*config
	*jobdir.Dir
	changed  wakeup
	progress *progress
	batches  *batches

	followers *followers

	source jobdir.Record[jobdir.SourceState]
	seen   seenRequests
}

// ingest reads the source to its end and keeps what it yields. Requests go to
// the request log and their entries to the ready log. Then one commit stores
// the items, the ends of both logs and the source's checkpoint.
func (ik *intake) ingest(ctx context.Context, source rows) error {
	if ik.progress.ended() {
		return nil
	}
	if !ik.samples {
		if err := ik.seen.recall(ctx, ik.store, ik.Keys); err != nil {
			return err
		}
		defer func() { ik.seen = seenRequests{} }()
	}
	// The reader makes a group only when one is wanted, so that the source is
	// asked for a checkpoint no more often than one is stored.
	want, groups := make(chan struct{}), make(chan group, 1)
	both, stop := errgroup.WithContext(ctx)
	both.Go(func() error {
		defer close(groups)
		return source.read(stop, want, groups)
	})
	both.Go(func() error {
		return ik.keepAll(stop, want, groups)
	})
	if err := both.Wait(); err != nil {
		return err
	}
	return ik.endSource(ctx)
}

func (ik *intake) keepAll(ctx context.Context, want chan<- struct{}, groups <-chan group) error {
	for {
		select {
		case want <- struct{}{}: // the reader has one, and sends it at once
		case <-groups: // closed, since a group is sent only when it is wanted
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := ik.keep(ctx, <-groups); err != nil {
			return err
		}
	}
}

func (ik *intake) endSource(ctx context.Context) error {
	s := ik.source.Value
	s.Ended = true
	op, err := ik.endGroup(s)
	if err != nil {
		return err
	}
	if err := ik.store.Commit(ctx, op); err != nil {
		return err
	}
	ik.progress.update(func(p *Progress) { p.Read = true })
	ik.changed.signal()
	return nil
}

// keep makes a group durable.
func (ik *intake) keep(ctx context.Context, g group) error {
	if err := ik.store.FreeSpace(); err != nil {
		return err
	}
	fresh, duplicates, err := ik.admit(ctx, g.rows)
	if err != nil {
		return err
	}
	entries := make([]jobdir.Entry, len(fresh))
	ops := make([]state.Op, len(fresh), len(fresh)+3)
	for i := range fresh {
		if entries[i], err = ik.write(fresh[i]); err != nil {
			return err
		}
		ops[i] = entries[i].Remember(ik.Keys)
	}
	s := ik.source.Value
	s.Checkpoint, s.Rows, s.Duplicates = g.checkpoint, s.Rows+len(fresh), s.Duplicates+duplicates
	s.Filtered += g.filtered
	if s.First == nil && len(fresh) > 0 {
		s.First = fresh[0].first()
	}
	s.Targets = ik.batches.targets.count()
	op, err := ik.endGroup(s)
	if err != nil {
		return err
	}
	if err := ik.batches.ready.Add(ctx, entries, append(ops, op)...); err != nil {
		return err
	}
	if slices.ContainsFunc(entries, jobdir.Entry.Follows) {
		ik.followers.note()
	}
	ik.progress.update(func(p *Progress) { p.Rows, p.Duplicates, p.Filtered = s.Rows, s.Duplicates, s.Filtered })
	ik.changed.signal()
	return nil
}

// endGroup syncs the requests of a group, followed by the state of the source.
// It returns the op that records that state.
func (ik *intake) endGroup(s jobdir.SourceState) (state.Op, error) {
	record, err := json.Marshal(s)
	if err != nil {
		return state.Op{}, fmt.Errorf("durable: encode source: %w", err)
	}
	if _, err := ik.batches.requests.Append([]byte{jobdir.GroupKind}, record); err != nil {
		return state.Op{}, err
	}
	if err := ik.batches.requests.Sync(); err != nil {
		return state.Op{}, err
	}
	s.End = ik.batches.requests.End()
	return ik.source.Put(s)
}

// admit drops the duplicates among rows and refuses conflicts.
func (ik *intake) admit(ctx context.Context, rows []row) (kept []*row, duplicates int, err error) {
	group := make(map[string]*row, len(rows))
	for i := range rows {
		r := &rows[i]
		known, line, err := ik.known(ctx, group, r)
		switch {
		case err != nil:
			return nil, 0, err
		case !known:
			group[r.key] = r
			kept = append(kept, r)
		case line != r.line: // else the source began again before this row
			duplicates++
		}
	}
	return kept, duplicates, nil
}

// known reports whether the row was seen before, and on which line. It refuses
// the row if it asks something else.
func (ik *intake) known(ctx context.Context, group map[string]*row, r *row) (known bool, line int, err error) {
	var asked request
	if first, ok := group[r.key]; ok {
		asked, line = first.request, first.line
	} else {
		switch rec, err := ik.store.Get(ctx, ik.Keys.Item(jobdir.HashKey(r.key))); {
		case errors.Is(err, state.ErrNotFound):
			return false, 0, nil
		case err != nil:
			return false, 0, err
		default:
			it, err := jobdir.DecodeItem(rec.Value)
			if err != nil {
				return false, 0, err
			}
			asked.content, asked.target, line = it.Content, ik.batches.targets.get(int(it.Target)), int(it.Line)
		}
	}
	if asked.content != r.request.content || asked.target.Asks() != r.request.target.Asks() {
		return true, line, &InputError{
			Source: r.name, Line: r.line,
			Err: fmt.Errorf("id %q has other content than on line %d: give each row its own id", r.key, line),
		}
	}
	return true, line, nil
}

// first returns what a later start compares.
func (r *row) first() *jobdir.FirstItem {
	return &jobdir.FirstItem{
		Source: r.name, Line: r.line, Key: r.key, Content: r.request.content[:], Target: r.request.target,
	}
}

// write appends a row's request to the log.
func (ik *intake) write(r *row) (jobdir.Entry, error) {
	target, err := ik.batches.targets.number(r.request.target)
	if err != nil {
		return jobdir.Entry{}, err
	}
	out := jobdir.Entry{
		Key: r.key, Content: r.request.content, Line: uint32(r.line), //nolint:gosec // a line number
		Target: target, Level: r.level, Meta: r.meta,
	}
	if !ik.samples && ik.seen.add(out.Content, target) {
		out.Level = jobdir.FollowerLevel
	}
	head := out.RequestHead()
	if err := ik.fits(len(head), len(r.request.record)); err != nil {
		return jobdir.Entry{}, &InputError{Source: r.name, Line: r.line, Err: err}
	}
	if out.Ref, err = ik.batches.requests.Append(head, r.request.record); err != nil {
		return jobdir.Entry{}, err
	}
	return out, nil
}

// fits refuses a request that is larger than a batch or the request log takes.
func (ik *intake) fits(head, request int) error {
	switch limit := ik.batch.MaxWeight; {
	case limit > 0 && jobdir.WeightOf(request) > limit:
		return fmt.Errorf("the request has %d bytes, and a batch at most %d", request, limit)
	case head+request > segment.MaxRecord:
		return fmt.Errorf("the request has %d bytes, and one that is kept at most %d", request, segment.MaxRecord-head)
	}
	return nil
}
