package simulator

import (
	"context"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// start lets the batch live, from wherever its record says it is.
func (s *Simulator) start(id string) {
	if b, _ := s.batches.get(id); b.Ended() {
		return
	}
	s.spawn(func() {
		if err := s.live(s.ctx, id); err != nil && s.ctx.Err() == nil {
			s.fail(err)
		}
	})
}

// live takes the batch to its end. Each turn reads the record, waits until
// something is due and changes the record, so that a cancel or a restart may
// come in between at any point.
func (s *Simulator) live(ctx context.Context, id string) error {
	for {
		changes := s.changes() // before the record is read, so that no change is missed
		b, _ := s.batches.get(id)
		if b.Ended() {
			return s.release(b)
		}
		var step func(context.Context, protocol.Batch) error
		var due time.Time
		switch {
		case b.Status == protocol.Validating:
			step, due = s.validate, b.Created.Add(s.cfg.Latency.Validation)
		case !b.Settled:
			step = s.execute
		case b.Status == protocol.Cancelling:
			step, due = s.endAs(protocol.Cancelled), b.CancellingAt.Add(s.cfg.Latency.Cancelling)
		default:
			step, due = s.endAs(protocol.Completed), b.FinalizingAt.Add(s.cfg.Latency.Finalizing)
		}
		reached, err := s.wait(ctx, due, changes)
		if err == nil && reached {
			err = step(ctx, b)
		}
		if err != nil {
			return err
		}
	}
}

// wait blocks until the clock shows t and returns true, or until something
// changed and returns false.
func (s *Simulator) wait(ctx context.Context, t time.Time, changes <-chan struct{}) (bool, error) {
	left := s.clock.until(t)
	if left <= 0 {
		return true, context.Cause(ctx)
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true, nil
	case <-changes:
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// endAs returns the step that ends a settled batch with the given status,
// unless its status changed since it was read.
func (s *Simulator) endAs(status string) func(context.Context, protocol.Batch) error {
	return func(_ context.Context, seen protocol.Batch) error {
		_, err := s.batches.update(seen.ID, func(b *protocol.Batch) bool {
			if b.Status != seen.Status {
				return false
			}
			b.Status, b.EndedAt = status, s.clock.now()
			return true
		})
		return err
	}
}

// release frees what an ended batch no longer needs.
func (s *Simulator) release(b protocol.Batch) error {
	unneeded := []string{b.InputFile}
	if b.Deleted {
		unneeded = append(unneeded, b.OutputFile, b.ErrorFile)
	}
	for _, id := range unneeded {
		if err := s.deleteHidden(id); err != nil {
			return err
		}
	}
	if f, found := s.files.get(b.InputFile); found && f.Deleted {
		return s.removeContent(f)
	}
	return nil
}

// work takes one of the slots in which batches use the processor.
func (s *Simulator) work(ctx context.Context, f func() error) error {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-s.slots }()
	return f()
}
