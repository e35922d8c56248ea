package live

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// Status implements sink.Provider. That the disk has failed is Blocked, until
// another Provider is asked.
func (p *Provider) Status(ctx context.Context, h sink.Handle) (sink.Status, error) {
	b, err := p.mustFind(ctx, h, nil)
	if err != nil {
		return sink.Status{}, err
	}
	return b.status()
}

func (b *batch) status() (sink.Status, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := sink.Status{
		Accepted: true, Ended: b.hasEnded(), Phase: b.phase(),
		Total: len(b.rows), Succeeded: b.count[succeeded], Failed: b.count[failed], Age: max(time.Since(b.created), 0),
	}
	if s.Ended {
		s.NotRun = b.count[waiting]
	}
	if b.broken != nil {
		return s, blocked(b.Tag, b.broken)
	}
	return s, nil
}

func (b *batch) phase() string {
	switch ended := b.hasEnded(); {
	case b.stopped != nil && !ended:
		return "stopping"
	case !ended:
		return "asking"
	case b.stopped == nil || b.count[waiting] == 0:
		return "completed"
	case b.stopped.Err != nil:
		return "blocked"
	}
	return "cancelled"
}

// Results implements sink.Provider.
func (p *Provider) Results(ctx context.Context, h sink.Handle) iter.Seq2[sink.Outcome, error] {
	return func(yield func(sink.Outcome, error) bool) {
		more := func(o sink.Outcome) bool { return yield(o, nil) }
		switch err := p.results(ctx, h, more); {
		case err == nil, errors.Is(err, errEnough):
		case ctx.Err() != nil:
			yield(sink.Outcome{}, retry.Mark(fmt.Errorf("live: results of batch %s: %w", h.Batch, context.Cause(ctx)), retry.Retryable))
		case p.open.Err() != nil && retry.ClassOf(err) == retry.Blocked: // its files were closed
			yield(sink.Outcome{}, errClosed)
		default:
			yield(sink.Outcome{}, err)
		}
	}
}

// errEnough means that no more results are wanted.
var errEnough = errors.New("live: enough")

func (p *Provider) results(ctx context.Context, h sink.Handle, yield func(sink.Outcome) bool) error {
	b, err := p.mustFind(ctx, h, nil)
	if err != nil {
		return err
	}
	status, err := b.status() // before the log is read, which then has all that it counts
	if err != nil {
		return err
	}
	missing := make([]bool, status.Total)
	for n := range missing {
		missing[n] = true
	}
	if err := b.answers(ctx, missing, yield); err != nil {
		return err
	}
	if !status.Ended {
		return fmt.Errorf("live: batch %s: %w", b.Tag, sink.ErrNotEnded)
	}
	return b.skipped(ctx, missing, yield)
}

// answers yields what the log says about rows, and notes which they are.
func (b *batch) answers(ctx context.Context, missing []bool, yield func(sink.Outcome) bool) error {
	dir, err := b.dir.OpenRoot(b.Tag)
	if err != nil {
		return blocked(b.Tag, err)
	}
	defer dir.Close()
	err = readLog(dir, b.Tag, func(e *entry) error {
		a := e.Answered
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case a == nil:
			return nil
		case a.Row < len(missing):
			missing[a.Row] = false
		}
		if !yield(sink.Outcome{ID: a.ID, Line: a.Row + 1, Status: a.Status, Body: a.Body, Err: a.Err}) {
			return errEnough
		}
		return nil
	})
	if err != nil && ctx.Err() == nil && !errors.Is(err, errEnough) {
		return blocked(b.Tag, err)
	}
	return err
}

// skipped yields the rows that were not asked.
func (b *batch) skipped(ctx context.Context, missing []bool, yield func(sink.Outcome) bool) error {
	f, err := b.openRows(b.Tag)
	if err != nil {
		return blocked(b.Tag, err)
	}
	defer f.Close()
	_, at, err := readHeader(f)
	why := b.whySkipped()
	for n := 0; err == nil && n < len(missing); n++ {
		var row sink.Row
		if row, err = readRow(f, at); err != nil {
			break
		}
		at = after(at, row)
		if !missing[n] {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !yield(sink.Outcome{ID: row.ID, Line: n + 1, Err: why, Skipped: true}) {
			return errEnough
		}
	}
	if err != nil {
		return blocked(b.Tag, err)
	}
	return nil
}

// whySkipped returns the error of the rows that were not asked.
func (b *batch) whySkipped() *sink.RowError {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped != nil && b.stopped.Err != nil {
		return b.stopped.Err
	}
	return &sink.RowError{Class: retry.Retryable, Code: "batch_cancelled", Message: "the batch was cancelled before the row was asked"}
}

// Cancel implements sink.Provider. It does not wait for the calls that are
// under way: their answers count, and the batch ends with the last of them.
func (p *Provider) Cancel(ctx context.Context, h sink.Handle) error {
	b, err := p.mustFind(ctx, h, &stopped{})
	if err != nil {
		return err
	}
	err = b.end(stopped{})
	if err != nil && !errors.Is(err, errClosed) {
		err = blocked(b.Tag, err)
	}
	return err
}

// Remove implements sink.Provider. A batch that has not ended is cancelled
// first, and the calls that are under way are awaited.
func (p *Provider) Remove(ctx context.Context, h sink.Handle) error {
	if err := p.usable(ctx); err != nil || !isTag(h.Batch) {
		return err
	}
	p.mu.Lock()
	b := p.batches[h.Batch]
	p.mu.Unlock()
	if b != nil {
		if err := b.halt(ctx); err != nil {
			return err
		}
	}
	return p.remove(h.Batch, b)
}

// remove deletes a batch that asks nothing: it is halted, or not loaded.
func (p *Provider) remove(tag string, halted *batch) error {
	p.changing.Lock() // so that no half of a new batch goes
	defer p.changing.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch b := p.batches[tag]; {
	case p.open.Err() != nil:
		return errClosed
	case b != nil && b != halted:
		return retry.Mark(fmt.Errorf("live: batch %s has just begun", tag), retry.Retryable)
	case b == nil:
		if _, err := p.load(tag); err != nil { // it may be of another provider
			return err
		}
	}
	if err := p.erase(tag); err != nil { // it stays halted
		return blocked(tag, err)
	}
	delete(p.batches, tag)
	return nil
}
