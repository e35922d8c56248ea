package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// rowState is how far a row is.
type rowState uint8

const (
	waiting   rowState = iota
	asked              // a worker has it, or its process ended with it
	succeeded          // and the log says so
	failed             // and the log says so
	rowStates
)

// batch is what is known of one. Its rows and answers stay on disk.
type batch struct {
	header
	created time.Time
	dir     *os.Root // of all batches
	offsets []int64  // of the rows in their file; nil if the batch was read to be listed

	ctx    context.Context //nolint:containedctx // until no more rows are to be asked
	cancel context.CancelFunc
	done   chan struct{} // closed when no worker is left; nil if there never was one
	file   *os.File      // the rows, while there are workers
	log    *callLog      // while there are workers

	mu      sync.Mutex
	rows    []rowState
	count   [rowStates]int
	next    int // no row before it waits
	stopped *stopped
	broken  error // of the disk: nothing more is known
}

// replay takes over what an entry of the log says.
func (b *batch) replay(e *entry) error {
	set := func(n int, s rowState) error {
		if n < 0 || n >= len(b.rows) {
			return fmt.Errorf("%w: row %d of %d", segment.ErrDamaged, n, len(b.rows))
		}
		b.set(n, s)
		return nil
	}
	switch {
	case e.Created != nil && b.rows == nil:
		b.created, b.rows = e.Created.At, make([]rowState, max(e.Created.Rows, 0))
		b.count[waiting] = len(b.rows)
	case e.Asked != nil:
		return set(*e.Asked, asked)
	case e.Freed != nil:
		return set(*e.Freed, waiting)
	case e.Answered != nil && e.Answered.Err == nil:
		return set(e.Answered.Row, succeeded)
	case e.Answered != nil:
		return set(e.Answered.Row, failed)
	case e.Stopped != nil && b.stopped == nil:
		b.stopped = e.Stopped
	}
	return nil
}

// set moves a row to a state. The caller has the lock, or the batch alone.
func (b *batch) set(n int, s rowState) {
	b.count[b.rows[n]]--
	b.count[s]++
	b.rows[n] = s
	if s == waiting {
		b.next = min(b.next, n)
	}
}

// take gives a worker the next row. It returns false if there is none to ask.
func (b *batch) take() (n int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx.Err() != nil || b.broken != nil {
		return 0, false
	}
	for ; b.next < len(b.rows); b.next++ {
		if b.rows[b.next] == waiting {
			b.set(b.next, asked)
			return b.next, true
		}
	}
	return 0, false
}

// release lets a row wait again that was not asked, or not answered.
func (b *batch) release(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(n, waiting)
}

// settle writes down what became of a row.
func (b *batch) settle(a answer) error {
	if err := b.log.append(entry{Answered: &a}); err != nil {
		return err
	}
	s := succeeded
	if a.Err != nil {
		s = failed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(a.Row, s)
	return nil
}

// end lets no more rows be asked. Only the first reason counts, and none once
// the batch has ended. Its error is errClosed or one of the disk.
func (b *batch) end(why stopped) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.broken != nil:
		return b.broken
	case b.stopped != nil || b.hasEnded():
		return nil
	case b.log == nil:
		return errClosed
	}
	b.cancel()
	if err := b.log.append(entry{Stopped: &why}); err != nil { // which close waits for
		b.broken = err
		return err
	}
	b.stopped = &why
	return nil
}

// halt ends a batch and awaits the calls that are under way. A disk that fails
// ends it too.
func (b *batch) halt(ctx context.Context) error {
	if err := b.end(stopped{}); errors.Is(err, errClosed) {
		return err
	}
	if b.done == nil {
		return nil
	}
	select {
	case <-b.done:
		return nil
	case <-ctx.Done():
		return retry.Mark(fmt.Errorf("live: batch %s has calls under way: %w", b.Tag, context.Cause(ctx)), retry.Retryable)
	}
}

// breakDown notes an error of the disk. No more calls are made whose outcome
// could not be noted.
func (b *batch) breakDown(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken == nil {
		b.broken = err
	}
	b.cancel()
}

// hasEnded reports whether nothing about the batch will change. The caller has
// the lock, or the batch alone.
func (b *batch) hasEnded() bool {
	return b.count[asked] == 0 && (b.count[waiting] == 0 || b.stopped != nil)
}

// pause waits. It returns false if no more rows are to be asked.
func (b *batch) pause(d time.Duration) bool { return purchase.Sleep(b.ctx, d) == nil }

// row reads a row.
func (b *batch) row(n int) (sink.Row, error) { return readRow(b.file, b.offsets[n]) }

// close closes the files of a batch without workers.
func (b *batch) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	err := errors.Join(b.file.Close(), b.log.journal.Close())
	b.file, b.log = nil, nil
	return err
}
