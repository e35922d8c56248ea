package durable

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// These limit a chunk of results, which is delivered and recorded at once.
const (
	chunkRows  = 1000
	chunkBytes = 4 << 20
)

// settler delivers results and records which rows are settled.
type settler struct {
	*config
	*jobdir.Dir
	gate     *gate
	clock    *clock
	progress *progress
	batches  *batches
	cleaner  *cleaner
	blockage *blockage
	failures *failures

	outputRecord jobdir.Record[jobdir.OutputState]
	settling     sync.Mutex // one batch at a time delivers its results or frees its rows: it owns outputRecord
}

// settle delivers the results of a fetched batch in chunks. Each chunk is
// delivered, then written to the journal, then recorded in one commit: the rows
// to retry, the output's mark and the progress of the batch.
func (s *settler) settle(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	s.settling.Lock()
	defer s.settling.Unlock()
	if ctx.Err() != nil {
		return in, context.Cause(ctx)
	}
	if err := s.settleRows(ctx, in); err != nil {
		return s.refetch(ctx, in, err)
	}
	if in.Waits() {
		return s.batches.advance(ctx, in, intent.SettlePart{})
	}
	return s.batches.advance(ctx, in, intent.SettleDone{})
}

func (s *settler) settleRows(ctx context.Context, in intent.Intent) error {
	c, err := s.newChunk(ctx, in)
	if err != nil {
		return err
	}
	n := uint64(0)
	for o, err := range s.Outcomes(in) {
		if err != nil {
			return err
		}
		if o.At < 0 && in.Waits() {
			break // their results may yet come
		}
		if n++; n <= c.progress {
			c.keep(o) // it is settled already
			continue
		}
		c.add(o)
		if c.full() {
			if err := c.commit(ctx); err != nil {
				return err
			}
		}
	}
	if err := c.commit(ctx); err != nil {
		return err
	}
	if err := s.writeAnswers(in, c.answers); err != nil {
		return err
	}
	if c.blocked != nil {
		_ = s.blockage.block(ctx, in, c.blocked) // this batch itself is finished
	}
	return nil
}

// chunk gathers outcomes until they are committed together.
type chunk struct {
	s        *settler
	in       intent.Intent
	entries  []jobdir.Entry
	progress uint64 // rows of the batch that are recorded
	rows     int    // rows in the chunk
	bytes    int

	results []Result
	retries []jobdir.Entry
	which   []jobdir.RowSpan // rows of the manifest that are retried
	failed  int
	spent   jobdir.RouteState // by the batch's route
	codes   map[string]int    // of failed rows
	cached  int
	shared  int
	invalid []jobdir.Invalid // rows whose answers failed the check
	over    []jobdir.FailedOver
	err     error           // of add
	blocked error           // the error of a row about which a person has to act
	answers []jobdir.Answer // of the whole batch: reset keeps them
}

func (s *settler) newChunk(ctx context.Context, in intent.Intent) (*chunk, error) {
	entries, err := s.Entries(in.Tag, in.Rows)
	if err != nil {
		return nil, err
	}
	c := &chunk{s: s, in: in, entries: entries}
	rec, err := s.store.Get(ctx, s.Keys.Progress(in.Tag))
	if errors.Is(err, state.ErrNotFound) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	d := jobdir.Decoder{B: rec.Value}
	c.progress = d.U64()
	return c, d.Err
}

func (c *chunk) full() bool { return c.rows >= chunkRows || c.bytes >= chunkBytes }

func (c *chunk) add(o jobdir.Outcome) {
	c.rows++
	row := &c.entries[o.Row]
	if o.Err != nil && c.isRetried(row, &o.Outcome) {
		c.retry(int(o.Row), !c.unsent())
		return
	}
	a := o.Answer(row, c.s.batches.modelOf(c.in), c.in.Batch, c.s.batches.serviceOf(c.in).info.Codec)
	if again, err := c.review(int(o.Row), &a); again || err != nil {
		c.err = errors.Join(c.err, err)
		return
	}
	if c.failOver(int(o.Row), &a) {
		return
	}
	r := Result{ID: row.Key, Meta: row.Meta, Cached: o.Cached(), Shared: o.Shared}
	r.SetAnswer(a)
	r.SetRoute(row, c.in.Route, c.s.batches.routes.get)
	c.bytes += len(r.Response)
	c.results = append(c.results, r)
	if r.Error != nil {
		c.failed++
		c.codes = addFailure(c.codes, r.Error)
	}
	switch {
	case r.Shared:
		c.shared++
		return // it costs nothing
	case r.Error != nil:
		c.spent.Failed++
	case r.Cached:
		c.cached++
		return // it costs nothing, and its age stays that of the original
	default:
		c.spent.Succeeded++
	}
	c.note(row, &o, r.Error)
	if r.Usage != nil {
		c.spent.Usage = c.spent.Usage.Add(*r.Usage)
	}
}

// keep notes the answer of an outcome that was delivered before.
func (c *chunk) keep(o jobdir.Outcome) {
	if o.Origin != "" {
		return
	}
	row := &c.entries[o.Row]
	a := sink.ReadAnswer(&o.Outcome, c.s.batches.serviceOf(c.in).info.Codec)
	if a.Err == nil && a.Reply != nil && c.s.check != nil && c.s.check(row.Key, *a.Reply) != nil {
		return
	}
	failure, _ := errors.AsType[*sink.RowError](a.Err)
	c.note(row, &o, failure)
}

// retry lets a row of the manifest be retried.
func (c *chunk) retry(n int, sent bool) {
	c.retries = append(c.retries, c.entries[n].Again(sent))
	c.which = jobdir.AddRow(c.which, n)
}

// isRetried reports whether a failed row is retried. A blocked row is not at
// fault, so it never fails for that. In a cancelled run, a row that is to be
// retried gets no result: it waits, and nothing is bought.
func (c *chunk) isRetried(row *jobdir.Entry, o *sink.Outcome) bool {
	failure := o.Err
	if failure.Code == intent.CodeMissing {
		return failure.Class == retry.Retryable // a person has decided that
	}
	if c.s.gate.cancelled() {
		return neverRan(o)
	}
	if c.unsent() && failure.Class == retry.Retryable {
		return true // other rows are at fault and fail, so the retries have an end
	}
	if failure.Class == retry.Blocked {
		c.blocked = retry.Mark(failure, retry.Blocked)
		return true
	}
	return failure.Class != retry.Permanent && c.attempts(row)+1 < c.s.maxAttempts
}

// unsent reports whether the batch was refused, so that none of its rows
// reached a model.
func (c *chunk) unsent() bool { return c.in.Refused() }

// commit delivers and records the chunk, and empties it.
func (c *chunk) commit(ctx context.Context) error {
	if c.rows == 0 || c.err != nil {
		return c.err
	}
	if len(c.results) > 0 {
		if err := c.s.output.Write(ctx, c.results); err != nil {
			return err
		}
	}
	s := c.s.outputRecord.Value
	if r, ok := c.s.output.(Rewinder); ok {
		s.Mark = r.Mark()
	}
	s.Succeeded += len(c.results) - c.failed
	s.Failed += c.failed
	s.Cached += c.cached
	s.Shared += c.shared
	if !c.s.gate.cancelled() && !c.unsent() {
		s.Retried += len(c.retries)
	}
	s = s.With(c.in.Route, c.spent)
	return c.record(ctx, s, !c.unsent())
}

// record writes the outcome of the chunk's rows to the journal and then to the
// store. It does not end with ctx, because what happened must not be lost.
func (c *chunk) record(ctx context.Context, s jobdir.OutputState, sent bool) error {
	e, until := c.s, c.progress+uint64(c.rows) //nolint:gosec // a count
	err := e.batches.journal.Append(jobdir.Line{Settled: &jobdir.Settled{
		Tag: c.in.Tag, At: e.clock.now(), From: c.progress, Until: until, Again: c.which, Unsent: !sent, Output: s, Failed: c.codes, Invalid: c.invalid, Over: c.over,
	}})
	if err != nil {
		return err
	}
	mark, err := e.outputRecord.Put(s)
	if err != nil {
		return err
	}
	progress := state.Put(e.Keys.Progress(c.in.Tag), binary.BigEndian.AppendUint64(nil, until), until)
	if err := e.batches.ready.Add(context.WithoutCancel(ctx), c.retries, mark, progress); err != nil {
		return err
	}
	e.failures.add(c.codes)
	e.progress.update(func(p *Progress) { e.progress.countOutput(&s, p) })
	c.reset(until)
	return nil
}

func (c *chunk) reset(progress uint64) {
	c.progress = progress
	c.rows, c.bytes, c.failed, c.cached, c.shared, c.spent = 0, 0, 0, 0, 0, jobdir.RouteState{}
	c.codes, c.invalid, c.over = nil, nil, nil
	clear(c.results)
	c.results, c.retries, c.which = c.results[:0], c.retries[:0], c.which[:0]
}
