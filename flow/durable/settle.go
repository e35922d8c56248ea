package durable

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// Bounds of a chunk of results that is delivered and recorded at once.
const (
	chunkRows  = 1000
	chunkBytes = 4 << 20
)

// settle hands on the results of a fetched batch in chunks. Each is delivered,
// then written to the journal, then recorded in one commit: the rows that go
// again, the output's mark and how far the batch is.
func (e *engine) settle(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	e.settling.Lock()
	defer e.settling.Unlock()
	if ctx.Err() != nil {
		return in, context.Cause(ctx)
	}
	if err := e.settleRows(ctx, in); err != nil {
		return e.refetch(ctx, in, err)
	}
	return e.advance(ctx, in, intent.SettleDone{})
}

func (e *engine) settleRows(ctx context.Context, in intent.Intent) error {
	c, err := e.newChunk(ctx, in)
	if err != nil {
		return err
	}
	n := uint64(0)
	for o, err := range e.outcomes(in) {
		if err != nil {
			return err
		}
		if n++; n <= c.progress {
			continue // an earlier run has done it
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
	return c.blocked
}

// chunk gathers outcomes until they are committed together.
type chunk struct {
	e        *engine
	in       intent.Intent
	entries  []entry
	progress uint64 // rows of the batch that are recorded
	rows     int    // rows in the chunk
	bytes    int

	results []Result
	again   []entry
	which   []rowSpan // of the bale: those that go again
	usage   llm.Usage
	failed  int
	blocked error // of a row: somebody has to act
}

func (e *engine) newChunk(ctx context.Context, in intent.Intent) (*chunk, error) {
	entries, err := e.entries(in.Tag, in.Rows)
	if err != nil {
		return nil, err
	}
	c := &chunk{e: e, in: in, entries: entries}
	rec, err := e.store.Get(ctx, e.keys.progress(in.Tag))
	if errors.Is(err, state.ErrNotFound) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	d := decoder{b: rec.Value}
	c.progress = d.u64()
	return c, d.err
}

func (c *chunk) full() bool { return c.rows >= chunkRows || c.bytes >= chunkBytes }

func (c *chunk) add(o outcome) {
	c.rows++
	row := &c.entries[o.row]
	if o.Err != nil && c.goesAgain(row, &o.Outcome) {
		c.repeat(int(o.row), true)
		return
	}
	r := c.result(row, &o.Outcome)
	if r.Error != nil {
		c.failed++
	}
	if r.Usage != nil {
		c.usage = c.usage.Add(*r.Usage)
	}
	c.bytes += len(r.Response)
	c.results = append(c.results, r)
}

// repeat lets a row of the bale go again.
func (c *chunk) repeat(n int, sent bool) {
	c.again = append(c.again, c.entries[n].again(sent))
	c.which = addRow(c.which, n)
}

// goesAgain reports whether a failed row is sent once more. One that is blocked
// is not at fault, so it never fails for that. In a cancelled run to go again
// means to get no result: the row waits, and nothing is bought.
func (c *chunk) goesAgain(row *entry, o *sink.Outcome) bool {
	failure := o.Err
	if c.e.gate.cancelled() {
		return neverRan(o)
	}
	if failure.Class == retry.Blocked {
		c.blocked = retry.Mark(fmt.Errorf("durable: batch %s: %w", c.in.Batch, failure), retry.Blocked)
		return true
	}
	return failure.Class != retry.Permanent && int(row.attempts)+1 < c.e.maxAttempts
}

// result is what is handed on about a row.
func (c *chunk) result(row *entry, o *sink.Outcome) Result {
	r := Result{
		ID: row.key, Status: Succeeded, Response: bytes.Clone(o.Body),
		Model: c.e.lanes.get(c.in.Lane).Model, Batch: c.in.Batch, Attempts: int(row.attempts) + 1,
	}
	failure := o.Err
	if failure == nil && c.e.codec != nil {
		reply, err := c.e.codec.Decode(o.Body)
		if err != nil {
			failure = &sink.RowError{Class: retry.Permanent, Code: "unreadable_reply", Message: err.Error()}
		} else {
			r.Text, r.Usage = reply.Text, &reply.Usage
			if reply.Model != "" {
				r.Model = reply.Model
			}
		}
	}
	if failure != nil {
		r.Status = Failed
		r.Error = &ItemError{Class: failure.Class, Code: failure.Code, Message: failure.Message}
	}
	return r
}

// commit delivers and records the chunk, and empties it.
func (c *chunk) commit(ctx context.Context) error {
	if c.rows == 0 {
		return nil
	}
	if len(c.results) > 0 {
		if err := c.e.output.Write(ctx, c.results); err != nil {
			return err
		}
	}
	s := c.e.outbox.value
	if r, ok := c.e.output.(Rewinder); ok {
		s.Mark = r.Mark()
	}
	s.Succeeded += len(c.results) - c.failed
	s.Failed += c.failed
	if !c.e.gate.cancelled() {
		s.Retried += len(c.again)
	}
	s.Usage = s.Usage.Add(c.usage)
	return c.record(ctx, s, true)
}

// record notes in the journal and then in the store what became of the rows of
// the chunk. What happened must not be forgotten, so it does not end with ctx.
func (c *chunk) record(ctx context.Context, s outputState, sent bool) error {
	e, until := c.e, c.progress+uint64(c.rows) //nolint:gosec // a count
	err := e.journal.Append(logged{Settled: &settled{
		Tag: c.in.Tag, From: c.progress, Until: until, Again: c.which, Unsent: !sent, Output: s,
	}})
	if err != nil {
		return err
	}
	mark, err := e.outbox.put(s)
	if err != nil {
		return err
	}
	progress := state.Put(e.keys.progress(c.in.Tag), binary.BigEndian.AppendUint64(nil, until), until)
	if err := e.ready.add(context.WithoutCancel(ctx), c.again, mark, progress); err != nil {
		return err
	}
	e.tally.update(func(p *Progress) {
		p.Succeeded, p.Failed, p.Retried, p.Usage = s.Succeeded, s.Failed, s.Retried, s.Usage
	})
	c.reset(until)
	return nil
}

func (c *chunk) reset(progress uint64) {
	c.progress = progress
	c.rows, c.bytes, c.failed, c.usage = 0, 0, 0, llm.Usage{}
	clear(c.results)
	c.results, c.again, c.which = c.results[:0], c.again[:0], c.which[:0]
}
