package simulator

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"
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
	rows    []span // in the order in which they run
	done    int
	results *results
	line    []byte // buffer for one input row
}

// execute runs the rows of b until all have run, its window has passed or it
// is cancelled, and settles it.
func (s *Simulator) execute(ctx context.Context, b batch) error {
	x := &execution{Simulator: s, id: b.ID}
	if b.InProgressAt.IsZero() { // cancelled before validation was over
		return x.settle(b)
	}
	in, err := os.Open(s.contentPath(b.InputFile))
	if err != nil {
		return fmt.Errorf("simulator: execute %s: %w", b.ID, err)
	}
	defer in.Close()
	x.in = in
	if x.results, err = createResults(s, b); err != nil {
		return fmt.Errorf("simulator: execute %s: %w", b.ID, err)
	}
	defer x.results.abandon()
	if err := x.run(ctx, b); err != nil {
		return fmt.Errorf("simulator: execute %s: %w", b.ID, err)
	}
	return nil
}

func (x *execution) run(ctx context.Context, b batch) (err error) {
	if err := x.work(ctx, func() (err error) {
		x.rows, err = lineSpans(x.in)
		return err
	}); err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(x.cfg.Seed, uint64(b.Seq)))
	random.Shuffle(len(x.rows), func(i, j int) { x.rows[i], x.rows[j] = x.rows[j], x.rows[i] })
	for {
		changes := x.changes()
		if b, _ = x.batches.get(x.id); x.over(b) {
			return x.settle(b)
		}
		if target := x.due(b, x.clock.now()); x.done < target {
			if err := x.work(ctx, func() error { return x.block(target) }); err != nil {
				return err
			}
			continue
		}
		if _, err := x.wait(ctx, x.nextDue(b), changes); err != nil {
			return err
		}
	}
}

// deadline is the time after which no more rows of b run.
func (b batch) deadline() time.Time {
	if !b.CancellingAt.IsZero() && b.CancellingAt.Before(b.ExpiresAt) {
		return b.CancellingAt
	}
	return b.ExpiresAt
}

// due returns how many rows of b have to have run at the given time.
func (x *execution) due(b batch, now time.Time) int {
	if end := b.deadline(); end.Before(now) {
		now = end
	}
	elapsed, total := now.Sub(b.InProgressAt), x.cfg.Latency.Processing
	switch {
	case elapsed < 0:
		return 0
	case elapsed >= total:
		return len(x.rows)
	}
	return int(float64(len(x.rows)) * (float64(elapsed) / float64(total)))
}

// nextDue returns when it is worth looking again: after the next row, or the
// next hundredth of many, or at the deadline.
func (x *execution) nextDue(b batch) time.Time {
	n := len(x.rows)
	next := min(n, x.done+max(1, n/100))
	t := b.InProgressAt.Add(time.Duration(float64(x.cfg.Latency.Processing) * float64(next) / float64(n)))
	if end := b.deadline(); end.Before(t) {
		return end
	}
	return t.Add(1) // rounded up
}

// over reports whether no more rows of b are going to run.
func (x *execution) over(b batch) bool {
	if x.done == len(x.rows) {
		return true
	}
	end := b.deadline()
	return !x.clock.now().Before(end) && x.done >= x.due(b, end)
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
	_, err := x.batches.update(x.id, func(b *batch) bool {
		b.Counts.Completed, b.Counts.Failed = x.results.completed, x.results.failed
		b.Usage = x.results.usage
		return false
	})
	return err
}

// read returns the row at p. It is valid until the next call.
func (x *execution) read(p span) ([]byte, error) {
	if cap(x.line) < p.size {
		x.line = make([]byte, p.size+p.size/2)
	}
	line := x.line[:p.size]
	if _, err := x.in.ReadAt(line, p.from); err != nil {
		return nil, fmt.Errorf("read input file: %w", noEOF(err))
	}
	return line, nil
}

// settle reports the rows that did not run, puts the result files in place and
// moves b on: to finalizing, expired, or nearer to cancelled.
func (x *execution) settle(b batch) error {
	hasExpired := x.done < len(x.rows) && b.deadline().Equal(b.ExpiresAt)
	reason := notRunCancelled
	if hasExpired {
		reason = notRunExpired
	}
	for ; x.done < len(x.rows); x.done++ {
		line, err := x.read(x.rows[x.done])
		if err == nil {
			err = x.results.skip(line, reason)
		}
		if err != nil {
			return err
		}
	}
	if x.results != nil {
		if err := x.results.publish(); err != nil {
			return err
		}
	}
	_, err := x.batches.update(x.id, func(b *batch) bool {
		b.Settled = true
		if x.results != nil {
			x.results.record(b)
		}
		now := x.clock.now()
		switch {
		case hasExpired:
			b.Status, b.EndedAt = expired, now
		case b.Status == inProgress:
			b.Status, b.FinalizingAt = finalizing, now
		}
		return true
	})
	return err
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
