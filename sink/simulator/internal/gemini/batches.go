package gemini

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
		return b, &apiError{status: http.StatusNotFound, word: "NOT_FOUND", message: "Batch " + id + " was not found."}
	}
	return b, nil
}

// getBatch shows a batch, with its rows if they are in it.
func getBatch(s protocol.Session, r *http.Request) (any, error) {
	b, err := batch(s, r)
	if err != nil {
		return nil, err
	}
	o := newOperation(s, b)
	if o.Metadata.Output == nil || !o.Metadata.Output.rows {
		return o, nil
	}
	f, found := s.File(b.OutputFile)
	if !found {
		o.Metadata.Output, o.Response = nil, nil
		return o, nil
	}
	in, err := s.Open(f)
	if err != nil {
		return nil, fmt.Errorf("simulator: read results: %w", err)
	}
	return whole{operation: o, embeds: b.Endpoint == embedEndpoint, in: in}, nil
}

// listBatches shows batches without the rows that are in them.
func listBatches(s protocol.Session, r *http.Request) (any, error) {
	return listPage(r, "operations", s.Batches(), 20, 100, func(b protocol.Batch) any {
		o := newOperation(s, b)
		if o.Metadata.Output != nil && o.Metadata.Output.rows {
			o.Metadata.Output, o.Response = nil, nil
		}
		return o
	})
}

func cancelBatch(s protocol.Session, r *http.Request) (any, error) {
	b, err := batch(s, r)
	if err != nil {
		return nil, err
	}
	if newOperation(s, b).Done {
		return nil, &apiError{
			status: http.StatusBadRequest, word: "FAILED_PRECONDITION",
			message: "The batch is " + stateOf(b, s.Rules()) + " and cannot be cancelled.",
		}
	}
	_, err = s.CancelBatch(b)
	return struct{}{}, err
}

// deleteBatch deletes a batch and its results. It does not cancel it.
func deleteBatch(s protocol.Session, r *http.Request) (any, error) {
	b, err := batch(s, r)
	if err == nil {
		err = s.DeleteBatch(b)
	}
	return struct{}{}, err
}
