package openai

import (
	"fmt"
	"net/http"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// batch returns the batch that the request's path names.
func batch(s protocol.Session, r *http.Request) (protocol.Batch, error) {
	id := r.PathValue("id")
	b, found := s.Batch(id)
	if !found {
		return b, &apiError{
			status: http.StatusNotFound, Type: "invalid_request_error",
			Message: fmt.Sprintf("No batch found with id '%s'.", id),
		}
	}
	return b, nil
}

func getBatch(s protocol.Session, r *http.Request) (any, error) {
	b, err := batch(s, r)
	return newBatchObject(b), err
}

func listBatches(s protocol.Session, r *http.Request) (any, error) {
	return listPage(r, s.Batches(), 20, 100, func(b protocol.Batch) any { return newBatchObject(b) })
}

// cancelBatch stops a batch that has not ended. Cancelling it again is fine.
func cancelBatch(s protocol.Session, r *http.Request) (any, error) {
	b, err := batch(s, r)
	if err != nil {
		return nil, err
	}
	if b, err = s.CancelBatch(b); err != nil {
		return nil, err
	}
	if b.Ended() && b.Status != protocol.Cancelled {
		return nil, &apiError{
			status: http.StatusConflict, Type: "invalid_request_error",
			Message: fmt.Sprintf("Cannot cancel a batch with status '%s'.", b.Status),
		}
	}
	return newBatchObject(b), nil
}
