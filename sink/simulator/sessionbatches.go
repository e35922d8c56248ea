package simulator

import (
	"errors"
	"slices"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

func (s *session) AddBatch(b protocol.Batch, lifetime time.Duration) (protocol.Batch, error) {
	b.Protocol, b.Owner, b.Created = s.name, s.owner, s.clock.now()
	b.Status, b.ExpiresAt = protocol.Validating, b.Created.Add(lifetime)
	b.Refused, b.Errors = s.refuses, s.refusal
	b.Counts.Total = b.Declared
	s.admission.Lock()
	defer s.admission.Unlock()
	if err := s.admitted(b); err != nil {
		return b, errors.Join(err, s.deleteHidden(b.InputFile))
	}
	b, err := s.batches.add(func(seq int) protocol.Batch {
		b.Seq = seq
		return b
	})
	if err == nil {
		s.start(b.ID)
	}
	return b, err
}

// admitted returns the limit that a new batch exceeds, if it does.
func (s *session) admitted(b protocol.Batch) error {
	if err := s.unblocked(); err != nil {
		return err
	}
	if s.limits.OpenBatches+s.limits.EnqueuedRows == 0 {
		return nil // the usual case, without a look at all batches
	}
	held := s.held(b)
	if most := s.limits.OpenBatches; most > 0 && held.batches >= most {
		return s.refuse(&protocol.RefusalError{Cause: protocol.OpenBatches, Limit: int64(most)})
	}
	if most := s.limits.EnqueuedRows; most > 0 && b.Declared > 0 && held.rows+b.Declared > most {
		return s.refuse(&protocol.RefusalError{Cause: protocol.EnqueuedRows, Limit: int64(most)})
	}
	return nil
}

func (s *session) Batch(id string) (protocol.Batch, bool) {
	b, found := s.batches.get(id)
	now := s.reads()
	if !found || b.Deleted || !s.sees(b.Identity, now) {
		return b, false
	}
	return b.AsOf(now), true
}

func (s *session) Batches() []protocol.Batch {
	now := s.reads()
	var batches []protocol.Batch
	for _, b := range slices.Backward(s.batches.all()) {
		if !b.Deleted && s.sees(b.Identity, now) {
			batches = append(batches, b.AsOf(now))
		}
	}
	return batches
}

func (s *session) CancelBatch(b protocol.Batch) (protocol.Batch, error) {
	b, err := s.batches.update(b.ID, func(b *protocol.Batch) bool {
		if b.Ended() || b.Status == protocol.Cancelling {
			return false
		}
		b.Status, b.CancellingAt = protocol.Cancelling, s.clock.now()
		return true
	})
	if err == nil {
		s.notify()
	}
	return b, err
}

func (s *session) DeleteBatch(b protocol.Batch) error {
	b, err := s.batches.update(b.ID, func(b *protocol.Batch) bool {
		b.Deleted = true
		return true
	})
	if err == nil && b.Ended() {
		err = s.release(b)
	}
	return err
}
