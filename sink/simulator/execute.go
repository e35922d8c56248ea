package simulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// blockRows is how many rows a batch executes before it lets others work and
// looks whether it was cancelled.
const blockRows = 1000

// An execution runs the rows of one batch. The order of the rows follows from
// the seed and the number of rows that run from the batch's timestamps, so an
// execution that a crash interrupted is simply begun again.
type execution struct {
	*Simulator
	id      string
	in      *os.File
	rows    []scan.Span // in the order in which they run
	done    int
	results *results
	line    []byte // buffer for one input row
}

// execute runs the rows of b until all have run, its window has passed or it
// is cancelled, and settles it.
func (s *Simulator) execute(ctx context.Context, b protocol.Batch) error {
	if b.InProgressAt.IsZero() && b.Declared == 0 { // cancelled before validation was over
		return s.moveOn(b.ID, false, func(b *protocol.Batch) { b.OutputFile, b.ErrorFile = "", "" })
	}
	in, err := os.Open(s.contentPath(b.InputFile))
	if err != nil {
		return fmt.Errorf("simulator: execute %s: %w", b.ID, err)
	}
	defer func() { _ = in.Close() }()
	x := &execution{Simulator: s, id: b.ID, in: in}
	if x.results, err = s.createResults(b); err != nil {
		return fmt.Errorf("simulator: execute %s: %w", b.ID, err)
	}
	defer x.results.abandon()
	if err := x.run(ctx, b); err != nil {
		return fmt.Errorf("simulator: execute %s: %w", b.ID, err)
	}
	return nil
}

// run executes rows as they become due, until no more will.
func (x *execution) run(ctx context.Context, b protocol.Batch) error {
	if err := x.work(ctx, func() error { return x.shuffle(b.Seq, b.Ordered) }); err != nil {
		return err
	}
	for {
		changes := x.changes()
		b, _ = x.batches.get(x.id)
		p, now := x.plan(b), x.clock.now()
		var err error
		switch target := p.due(now); {
		case p.over(x.done, now):
			return x.settle(b)
		case x.done < target:
			err = x.work(ctx, func() error { return x.block(target) })
		default:
			_, err = x.wait(ctx, p.next(x.done), changes)
		}
		if err != nil {
			return err
		}
	}
}

// shuffle finds the rows and brings them in the order in which they run.
func (x *execution) shuffle(seq int, ordered bool) (err error) {
	if x.rows, err = scan.Spans(x.in); err != nil {
		return err
	}
	if ordered {
		return nil
	}
	random := rand.New(rand.NewPCG(x.cfg.Seed, uint64(seq)))
	random.Shuffle(len(x.rows), func(i, j int) { x.rows[i], x.rows[j] = x.rows[j], x.rows[i] })
	return nil
}

// plan returns when the rows of b run.
func (x *execution) plan(b protocol.Batch) plan {
	p := plan{rows: len(x.rows), begin: b.InProgressAt, lasts: x.cfg.Latency.Processing, end: b.ExpiresAt}
	if b.InProgressAt.IsZero() { // cancelled before validation was over: no row runs
		p.begin = b.CancellingAt.Add(1)
	}
	if !b.CancellingAt.IsZero() && b.CancellingAt.Before(p.end) {
		p.end = b.CancellingAt
	}
	return p
}

// block runs rows up to the target, but not very many, and publishes progress.
func (x *execution) block(target int) error {
	target = min(target, x.done+blockRows)
	for ; x.done < target; x.done++ {
		line, err := x.read(x.rows[x.done])
		if err == nil {
			err = x.results.run(line)
		}
		if err != nil {
			return err
		}
	}
	if err := x.results.flush(); err != nil {
		return err
	}
	_, err := x.batches.update(x.id, func(b *protocol.Batch) bool {
		b.Counts, b.Usage = x.results.counts, x.results.usage
		return false
	})
	return err
}

// read returns the row at p. It is valid until the next call.
func (x *execution) read(p scan.Span) ([]byte, error) {
	if cap(x.line) < p.Size {
		x.line = make([]byte, p.Size+p.Size/2)
	}
	line := x.line[:p.Size]
	if _, err := x.in.ReadAt(line, p.From); err != nil {
		return nil, fmt.Errorf("read input file: %w", noEOF(err))
	}
	return line, nil
}

// settle reports the rows that did not run and puts the result files in place.
func (x *execution) settle(b protocol.Batch) error {
	hasExpired := x.done < len(x.rows) && x.plan(b).end.Equal(b.ExpiresAt)
	for ; x.done < len(x.rows); x.done++ {
		line, err := x.read(x.rows[x.done])
		if err == nil {
			err = x.results.skip(line, hasExpired)
		}
		if err != nil {
			return err
		}
	}
	if err := x.results.publish(); err != nil {
		return err
	}
	return x.moveOn(x.id, hasExpired, x.results.record)
}

// moveOn lets a batch whose rows are settled go on: to finalizing, to expired,
// or nearer to cancelled.
func (s *Simulator) moveOn(id string, hasExpired bool, record func(*protocol.Batch)) error {
	_, err := s.batches.update(id, func(b *protocol.Batch) bool {
		record(b)
		b.Settled = true
		now := s.clock.now()
		switch {
		case hasExpired:
			b.Status, b.EndedAt = protocol.Expired, now
		case b.Status == protocol.InProgress:
			b.Status, b.FinalizingAt = protocol.Finalizing, now
		}
		return true
	})
	return err
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
