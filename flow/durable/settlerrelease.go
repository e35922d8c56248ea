package durable

import (
	"context"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// release frees the rows of a batch that was refused and is not put off. They
// go into smaller batches, or into the next run if a person has to act.
func (s *settler) release(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if err := s.releaseRows(ctx, in); err != nil {
		return in, err
	}
	if in.Abandoned && !in.Freed {
		return s.batches.advance(ctx, in, intent.Freed{})
	}
	gone, err := s.cleaner.removeInput(ctx, in)
	if err != nil {
		return in, err
	}
	if in, err = s.batches.advance(ctx, in, intent.CleanDone{
		FileGone: gone, Waste: int64(s.cleaner.countDuplicateSpend(ctx, in)),
	}); err == nil {
		s.cleaner.kept.addReleased(in, s.clock.now())
	}
	if err != nil || in.Reason.Class != retry.Blocked.String() || s.gate.cancelled() {
		return in, err
	}
	_ = s.blockage.block(ctx, in, &retry.Error{Class: retry.Blocked, Code: in.Reason.Code, Message: in.Reason.Message})
	return in, nil // the batch is finished
}

// releaseRows lets all rows of a batch be retried that are not settled.
func (s *settler) releaseRows(ctx context.Context, in intent.Intent) error {
	s.settling.Lock()
	defer s.settling.Unlock()
	c, err := s.newChunk(ctx, in)
	if err != nil {
		return err
	}
	for c.progress < uint64(c.all.Len()) {
		first := int(c.progress) //nolint:gosec // below a length
		for n := range min(chunkRows, c.all.Len()-first) {
			if c.row, err = c.all.Row(first + n); err != nil {
				return err
			}
			c.rows++
			c.retry(first+n, false)
		}
		output := s.outputRecord.Value
		if in.Abandoned {
			output.Retried, output.Resent = output.Retried+c.rows, output.Resent+c.rows
		}
		if err := c.record(ctx, output, false); err != nil {
			return err
		}
	}
	return nil
}
