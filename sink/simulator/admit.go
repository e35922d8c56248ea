package simulator

import (
	"cmp"
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
		m := s.mounts[protocolOf(b.Identity)]
		v, err = m.protocol.Validate(&session{mount: m, owner: b.Owner, asOf: b.Created}, b)
		return err
	}); err != nil {
		return fmt.Errorf("simulator: validate %s: %w", b.ID, err)
	}
	return s.admit(b, v)
}

// admit writes the verdict. The tokens and rows of a batch count against the
// limits from here until it ends, or from its creation if they were declared.
func (s *Simulator) admit(seen protocol.Batch, v protocol.Verdict) error {
	s.admission.Lock()
	defer s.admission.Unlock()
	if len(v.Errors) == 0 && !seen.Refused {
		v.Errors = s.full(seen, v)
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
		// However late it is looked at, it begins when it is due, so that a
		// clock that was advanced meanwhile counts.
		b.Status, b.InProgressAt = protocol.InProgress, b.Created.Add(s.cfg.Latency.Validation)
		b.Model, b.Tokens, b.Counts.Total = cmp.Or(v.Model, b.Model), v.Tokens, v.Rows
		return true
	})
	return err
}

// full returns why a valid batch does not fit beside the others of its owner.
func (s *Simulator) full(b protocol.Batch, v protocol.Verdict) []protocol.LineError {
	m := s.mounts[protocolOf(b.Identity)]
	limits := m.limits
	if limits.EnqueuedTokens == 0 && limits.EnqueuedRows == 0 || m.protocol.Info().NeverFails {
		return nil
	}
	b.Model = cmp.Or(v.Model, b.Model)
	held := s.held(b)
	refuse := func(cause protocol.Cause, limit int64) []protocol.LineError {
		return []protocol.LineError{m.protocol.Full(&protocol.RefusalError{Cause: cause, Limit: limit, Model: b.Model})}
	}
	switch {
	case limits.EnqueuedTokens > 0 && held.tokens+v.Tokens > limits.EnqueuedTokens:
		return refuse(protocol.EnqueuedTokens, limits.EnqueuedTokens)
	case limits.EnqueuedRows > 0 && held.rows+v.Rows > limits.EnqueuedRows:
		return refuse(protocol.EnqueuedRows, int64(limits.EnqueuedRows))
	}
	return nil
}

// holding is what the unfinished batches of an owner hold.
type holding struct {
	batches int
	rows    int
	tokens  int64 // of one model
}

// held returns what the owner of b holds beside b, and the tokens of b's model.
func (s *Simulator) held(b protocol.Batch) (h holding) {
	for _, other := range s.batches.all() {
		if other.Owner != b.Owner || protocolOf(other.Identity) != protocolOf(b.Identity) || other.ID == b.ID || other.Ended() {
			continue
		}
		h.batches++
		h.rows += other.Counts.Total
		if other.Model == b.Model {
			h.tokens += other.Tokens
		}
	}
	return h
}
