package simulator

import (
	"context"
	"fmt"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// validate checks the input of b and moves b to in_progress, or to failed with
// an error for every bad line.
func (s *Simulator) validate(ctx context.Context, b protocol.Batch) error {
	if b.Refused {
		return s.admit(b, protocol.Verdict{})
	}
	var v protocol.Verdict
	if err := s.work(ctx, func() (err error) {
		v, err = s.protocol.Validate(&session{sim: s, owner: b.Owner, asOf: b.Created}, b)
		return err
	}); err != nil {
		return fmt.Errorf("simulator: validate %s: %w", b.ID, err)
	}
	return s.admit(b, v)
}

// admit writes the verdict. The tokens of a batch count against the limit from
// here until it ends.
func (s *Simulator) admit(seen protocol.Batch, v protocol.Verdict) error {
	s.admission.Lock()
	defer s.admission.Unlock()
	if limit := s.cfg.Limits.EnqueuedTokens; limit > 0 && len(v.Errors) == 0 {
		if held := s.enqueued(seen.Owner, v.Model); held+v.Tokens > limit {
			v.Errors = []protocol.LineError{s.protocol.Full(v.Model, limit)}
		}
	}
	_, err := s.batches.update(seen.ID, func(b *protocol.Batch) bool {
		if b.Status != protocol.Validating { // cancelled meanwhile
			return false
		}
		now := s.clock.now()
		if b.Refused {
			b.Status, b.EndedAt = protocol.Failed, now
			return true
		}
		if len(v.Errors) > 0 {
			b.Status, b.EndedAt, b.Errors = protocol.Failed, now, v.Errors
			return true
		}
		b.Status, b.InProgressAt = protocol.InProgress, now
		b.Model, b.Tokens, b.Counts.Total = v.Model, v.Tokens, v.Rows
		return true
	})
	return err
}

// enqueued returns how many input tokens the owner's running batches of a model
// hold.
func (s *Simulator) enqueued(owner, model string) (tokens int64) {
	for _, b := range s.batches.all() {
		if b.Owner == owner && b.Model == model && !b.Ended() {
			tokens += b.Tokens
		}
	}
	return tokens
}
