package simulator

import (
	"slices"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

func (s *session) AddBatch(b protocol.Batch, lifetime time.Duration) (protocol.Batch, error) {
	b.Owner, b.Created = s.owner, s.sim.clock.now()
	b.Status, b.ExpiresAt = protocol.Validating, b.Created.Add(lifetime)
	b.Refused, b.Errors = s.refuses, s.refusal
	b, err := s.sim.batches.add(func(seq int) protocol.Batch {
		b.Seq = seq
		return b
	})
	if err == nil {
		s.sim.start(b.ID)
	}
	return b, err
}

func (s *session) Batch(id string) (protocol.Batch, bool) {
	b, found := s.sim.batches.get(id)
	now := s.reads()
	if !found || !s.sees(b.Identity, now) {
		return b, false
	}
	return b.AsOf(now), true
}

func (s *session) Batches() []protocol.Batch {
	now := s.reads()
	var batches []protocol.Batch
	for _, b := range slices.Backward(s.sim.batches.all()) {
		if s.sees(b.Identity, now) {
			batches = append(batches, b.AsOf(now))
		}
	}
	return batches
}

func (s *session) CancelBatch(b protocol.Batch) (protocol.Batch, error) {
	b, err := s.sim.batches.update(b.ID, func(b *protocol.Batch) bool {
		if b.Ended() || b.Status == protocol.Cancelling {
			return false
		}
		b.Status, b.CancellingAt = protocol.Cancelling, s.sim.clock.now()
		return true
	})
	if err == nil {
		s.sim.notify()
	}
	return b, err
}
