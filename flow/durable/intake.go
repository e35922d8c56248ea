package durable

import (
	"context"
	"crypto/sha256"
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
	gate     *gate
	changed  wakeup
	progress *progress
	batches  *batches

	followers *followers

	source jobdir.Record[jobdir.SourceState]
	items  knownItems

	rejected map[[sha256.Size]byte]bool // see digestOf

	kept map[string]bool // files of requests that are durable
}

// ingest reads the source to its end and keeps what it yields. Requests go to
// the request log and their entries to the ready log. Then one commit stores
// the items, the ends of both logs and the source's checkpoint.
func (ik *intake) ingest(ctx context.Context, source rows) (err error) {
	if ik.progress.ended() {
		return nil
	}
	if err := ik.recallRejects(); err != nil {
		return err
	}
	ik.items = knownItems{dir: ik.Dir, unwritten: unwritten, room: ik.store.FreeSpaceFor}
	defer func() { err = errors.Join(err, ik.items.forget()) }()
	if err := ik.items.recall(ik.batches.requests, &ik.source.Value, ik.samples); err != nil {
		return err
	}
	// The reader makes a group only when one is wanted, so that a source is
	// asked for a checkpoint no more often than one is stored. A Feed is asked
	// after each item, because it must not be while it waits for the next.
	// With each wish goes a group that is done with, whose memory serves again.
	want, groups := make(chan group), make(chan group, 1)
	both, stop := errgroup.WithContext(ctx)
	taking, end := until(stop, ik.gate.drained)
	defer end()
	both.Go(func() error {
		defer close(groups)
		return source.read(stop, taking, want, groups)
	})
	both.Go(func() error {
		return ik.keepAll(stop, source, want, groups)
	})
	if err := both.Wait(); err != nil {
		return err
	}
	return ik.endSource(ctx)
}

func (ik *intake) keepAll(ctx context.Context, source rows, want chan<- group, groups <-chan group) error {
	var done group
	for {
		select {
		case want <- done: // the reader has one, and sends it at once
		case <-groups: // closed, since a group is sent only when it is wanted
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		g := <-groups
		if err := ik.keep(ctx, g); err != nil {
			return err
		}
		if err := source.kept(g.items()); err != nil {
			return err
		}
		done = g.emptied()
	}
}

func (ik *intake) endSource(ctx context.Context) error {
	if err := ik.tellRejects(); err != nil {
		return err
	}
	s := ik.source.Value
	s.Ended = true
	op, err := ik.endGroup(s, nil)
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
	admitted, duplicates, err := ik.admit(&g)
	if err != nil {
		return err
	}
	if err := ik.keepFiles(admitted); err != nil {
		return err
	}
	fresh := admitted[:0]
	entries := make([]jobdir.Entry, 0, len(admitted))
	for _, row := range admitted {
		entry, err := ik.write(row)
		if ik.leaveOut(&g, row, err) {
			continue
		}
		if err != nil {
			return err
		}
		fresh, entries = append(fresh, row), append(entries, entry)
	}
	s := ik.source.Value
	s.Checkpoint, s.Rows, s.Duplicates = g.checkpoint, s.Rows+len(fresh), s.Duplicates+duplicates
	rejected := ik.freshRejects(g.rejected)
	s.Filtered, s.Rejected = s.Filtered+g.filtered, s.Rejected+len(rejected)
	if s.First == nil && len(fresh) > 0 {
		s.First = fresh[0].first()
	}
	s.Targets = ik.batches.targets.count()
	op, err := ik.endGroup(s, rejected)
	if err != nil {
		return err
	}
	if err := ik.batches.ready.Add(ctx, entries, op); err != nil {
		return err
	}
	if err := ik.items.add(entries, ik.source.Value.End); err != nil {
		return err
	}
	if slices.ContainsFunc(entries, jobdir.Entry.Follows) {
		ik.followers.note()
	}
	ik.progress.ask(entries)
	ik.progress.update(func(p *Progress) {
		p.Rows, p.Duplicates, p.Filtered, p.Rejected = s.Rows, s.Duplicates, s.Filtered, s.Rejected
	})
	ik.changed.signal()
	return nil
}

// endGroup syncs the requests of a group, followed by what was left out and the
// state of the source.
// It returns the op that records that state.
func (ik *intake) endGroup(s jobdir.SourceState, rejected []jobdir.Reject) (state.Op, error) {
	record, err := json.Marshal(jobdir.Group{SourceState: s, Rejects: rejected})
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

// admit drops the duplicates among the rows of a group and refuses conflicts.
func (ik *intake) admit(g *group) (kept []*row, duplicates int, err error) {
	group := make(map[string]*row, len(g.rows))
	for i := range g.rows {
		r := &g.rows[i]
		known, at, err := ik.known(group, r)
		if err == nil && !known {
			err = ik.tooLarge(r, 0) // before it counts as seen, so that one that repeats it is left out, too
		}
		switch {
		case ik.leaveOut(g, r, err):
		case err != nil:
			return nil, 0, err
		case !known:
			group[r.key] = r
			kept = append(kept, r)
		case at != r.at(): // else the source began again before this row
			duplicates++
		}
	}
	return kept, duplicates, nil
}

// known reports whether the row was seen before, and where. It refuses the row
// if it asks something else.
func (ik *intake) known(group map[string]*row, r *row) (known bool, at origin, err error) {
	var asked request
	if first, ok := group[r.key]; ok {
		asked, at = first.request, first.at()
	} else {
		it, found, err := ik.items.find(r.key)
		if err != nil || !found {
			return false, at, err
		}
		asked.content, asked.target, at = it.Content, ik.batches.targets.get(int(it.Target)), origin{it.Extra().Source, int(it.Line)}
	}
	if asked.content != r.request.content || asked.target.Asks() != r.request.target.Asks() {
		return true, at, &InputError{
			Source: r.name, Line: r.line,
			Err: fmt.Errorf("id %q has other content than %s: %w", r.key, at, ErrSameKey),
		}
	}
	return true, at, nil
}

// origin is where an item comes from, without the source unless the job keeps
// it.
type origin struct {
	source string
	line   int
}

func (p origin) String() string {
	if p.source == "" {
		return fmt.Sprintf("on line %d", p.line)
	}
	return fmt.Sprintf("at %s:%d", p.source, p.line)
}

func (r *row) at() origin { return origin{r.source, r.line} }

// first returns what a later start compares.
func (r *row) first() *jobdir.FirstItem {
	return &jobdir.FirstItem{
		Source: r.name, Line: r.line, Key: r.key, Content: slices.Clone(r.request.content[:]), Target: r.request.target,
		Asked: r.request.attached.asked,
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
		Target: target, Level: r.level, Deadline: r.deadline, Since: r.since, Frame: r.request.frame, MaxOutput: r.request.output,
	}
	out.SetExtra(jobdir.Extra{
		Source: r.source, Meta: r.meta, FileBytes: r.request.attached.bytes, FileTokens: r.request.attached.tokens,
		Prefix: r.request.prefix, PrefixTokens: r.request.prefixTokens,
	})
	again, err := ik.items.again(out.Content, target)
	if err != nil {
		return jobdir.Entry{}, err
	}
	if again {
		out.Level = jobdir.FollowerLevel
	}
	if err := ik.mustFit(&out, &r.request.target); err != nil {
		return jobdir.Entry{}, &InputError{Source: r.name, Line: r.line, Err: err}
	}
	head := out.RequestHead()
	if err := ik.tooLarge(r, len(head)); err != nil {
		return jobdir.Entry{}, err
	}
	if out.Ref, err = ik.batches.requests.Append(head, r.request.record); err != nil {
		return jobdir.Entry{}, err
	}
	if !again {
		ik.items.ask(out.Content, target)
	}
	return out, nil
}

// tooLarge refuses a row whose request, with so many bytes before it, does not
// fit.
func (ik *intake) tooLarge(r *row, head int) error {
	if err := ik.fits(head, len(r.request.record), &r.request.attached); err != nil {
		return &InputError{Source: r.name, Line: r.line, Err: err}
	}
	return nil
}

// fits refuses a request that is larger than a batch or the request log takes.
func (ik *intake) fits(head, kept int, files *attached) error {
	sent, asked := kept+int(files.bytes), kept+jobdir.BytesPerToken*int(files.tokens) //nolint:gosec // bounded
	switch limit := ik.batch.MaxWeight; {
	case limit > 0 && jobdir.WeightOf(sent) > limit:
		return fmt.Errorf("the request has %d bytes, and a batch at most %d", sent, limit)
	case certainlyAbove(asked, ik.maxEnqueued):
		return fmt.Errorf("the request has about %d tokens, and the account may have %d enqueued", jobdir.TokensIn(asked), ik.maxEnqueued)
	case head+kept > segment.MaxRecord:
		return fmt.Errorf("the request has %d bytes, and one that is kept at most %d", kept, segment.MaxRecord-head)
	}
	return nil
}
