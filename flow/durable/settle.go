package durable

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

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
// then recorded in one commit: its items, those that go again, the output's
// mark and how far the batch is.
func (e *engine) settle(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	e.settling.Lock()
	defer e.settling.Unlock()
	if ctx.Err() != nil {
		return in, context.Cause(ctx)
	}
	if err := e.settleRows(ctx, in); err != nil {
		return in, err
	}
	return e.advance(ctx, in, intent.SettleDone{})
}

func (e *engine) settleRows(ctx context.Context, in intent.Intent) error {
	entries, err := e.entries(in.Tag, in.Rows)
	if err != nil {
		return err
	}
	c, err := e.newChunk(ctx, in, entries)
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
	settled []state.Op
	again   []entry
	usage   llm.Usage
	failed  int
	blocked error // of a row: somebody has to act
}

func (e *engine) newChunk(ctx context.Context, in intent.Intent, entries []entry) (*chunk, error) {
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
	row := c.entries[o.row]
	if o.Err != nil && c.goesAgain(&row, o.Err) {
		c.again = append(c.again, row.again(0, true))
		return
	}
	r, end := c.result(&row, &o.Outcome), succeeded
	if r.Error != nil {
		end = failed
		c.failed++
	}
	if r.Usage != nil {
		c.usage = c.usage.Add(*r.Usage)
	}
	c.bytes += len(r.Response)
	c.results = append(c.results, r)
	c.settled = append(c.settled, row.settle(c.e.keys, c.in.Tag, end, int(c.progress)+c.rows-1)) //nolint:gosec // a count
}

// goesAgain reports whether a failed row is sent once more.
func (c *chunk) goesAgain(row *entry, failure *sink.RowError) bool {
	if failure.Class == retry.Permanent || int(row.attempts)+1 >= c.e.maxAttempts {
		return false
	}
	if failure.Class == retry.Blocked {
		c.blocked = retry.Mark(fmt.Errorf("durable: batch %s: %w", c.in.Batch, failure), retry.Blocked)
	}
	return true
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
	e := c.e
	if len(c.results) > 0 {
		if err := e.output.Write(ctx, c.results); err != nil {
			return err
		}
	}
	s := e.outbox.value
	if r, ok := e.output.(Rewinder); ok {
		s.Mark = r.Mark()
	}
	s.Succeeded += len(c.results) - c.failed
	s.Failed += c.failed
	s.Retried += len(c.again)
	s.Usage = s.Usage.Add(c.usage)
	mark, err := e.outbox.put(s)
	if err != nil {
		return err
	}
	if err := e.ready.add(context.WithoutCancel(ctx), c.again, append(c.settled, mark, c.step())...); err != nil {
		return err
	}
	e.tally.update(func(p *Progress) {
		p.Succeeded, p.Failed, p.Retried, p.Usage = s.Succeeded, s.Failed, s.Retried, s.Usage
	})
	c.reset()
	return nil
}

// step returns the op that records how far the batch is, this chunk included.
func (c *chunk) step() state.Op {
	c.progress += uint64(c.rows) //nolint:gosec // a count
	return state.Put(c.e.keys.progress(c.in.Tag), binary.BigEndian.AppendUint64(nil, c.progress), c.progress)
}

func (c *chunk) reset() {
	c.rows, c.bytes, c.failed, c.usage = 0, 0, 0, llm.Usage{}
	clear(c.results)
	c.results, c.settled, c.again = c.results[:0], c.settled[:0], c.again[:0]
}

// release frees the rows of a batch that was refused for a reason that
// passes, or that a person must remove.
func (e *engine) release(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	blocked := in.Reason.Class == retry.Blocked.String()
	if !blocked {
		if err := sleep(ctx, 3*e.interval(0)); err != nil {
			return in, err
		}
	}
	entries, err := e.entries(in.Tag, in.Rows)
	if err != nil {
		return in, err
	}
	c, err := e.newChunk(ctx, in, entries)
	if err != nil {
		return in, err
	}
	for rows := range slices.Chunk(entries[min(c.progress, uint64(len(entries))):], chunkRows) {
		for i := range rows {
			c.rows++
			c.again = append(c.again, rows[i].again(0, false))
		}
		if err := e.ready.add(context.WithoutCancel(ctx), c.again, c.step()); err != nil {
			return in, err
		}
		c.reset()
	}
	if in, err = e.advance(ctx, in, intent.CleanDone{}); err != nil || !blocked {
		return in, err
	}
	return in, &retry.Error{Class: retry.Blocked, Code: in.Reason.Code, Message: in.Reason.Message}
}
