package simulator

import (
	"fmt"
	"net/http"
	"slices"
)

// batch returns the owner's batch that the request's path names.
func (s *Simulator) batch(r *http.Request, owner string) (batch, error) {
	id := r.PathValue("id")
	b, found := s.batches.get(id)
	now := s.asOf(r)
	if !found || b.Owner != owner || b.Created.After(now) {
		return b, &apiError{
			status: http.StatusNotFound, Type: "invalid_request_error",
			Message: fmt.Sprintf("No batch found with id '%s'.", id),
		}
	}
	return b.asOf(now), nil
}

func (s *Simulator) getBatch(r *http.Request, owner string) (any, error) {
	b, err := s.batch(r, owner)
	return b.object(), err
}

func (s *Simulator) listBatches(r *http.Request, owner string) (any, error) {
	now := s.asOf(r)
	var batches []batch
	for _, b := range slices.Backward(s.batches.all()) {
		if b.Owner == owner && !b.Created.After(now) {
			batches = append(batches, b.asOf(now))
		}
	}
	return listPage(r, batches, 20, 100, func(b batch) any { return b.object() })
}

// cancelBatch stops a batch that has not ended. Cancelling it again is fine.
func (s *Simulator) cancelBatch(r *http.Request, owner string) (any, error) {
	b, err := s.batch(r, owner)
	if err != nil {
		return nil, err
	}
	b, err = s.batches.update(b.ID, func(b *batch) bool {
		if b.ended() || b.Status == cancelling {
			return false
		}
		b.Status, b.CancellingAt = cancelling, s.clock.now()
		return true
	})
	if err != nil {
		return nil, err
	}
	s.notify()
	if b.ended() && b.Status != cancelled {
		return nil, &apiError{
			status: http.StatusConflict, Type: "invalid_request_error",
			Message: fmt.Sprintf("Cannot cancel a batch with status '%s'.", b.Status),
		}
	}
	return b.object(), nil
}
