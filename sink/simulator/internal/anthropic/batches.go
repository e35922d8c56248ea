package anthropic

import (
	"fmt"
	"io"
	"net/http"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// batch returns the batch that the request's path names.
func batch(c call) (protocol.Batch, error) {
	b, found := c.Batch(c.r.PathValue("id"))
	if !found {
		return b, &apiError{status: http.StatusNotFound, message: "Message Batch not found: " + c.r.PathValue("id")}
	}
	return b, nil
}

func getBatch(c call) (any, error) {
	b, err := batch(c)
	return newBatchObject(c, b), err
}

// cancelBatch stops a batch that has not ended. Cancelling it again is fine.
func cancelBatch(c call) (any, error) {
	b, err := batch(c)
	if err != nil {
		return nil, err
	}
	if b.Ended() {
		return nil, &apiError{status: http.StatusConflict, message: "Message Batch has ended and cannot be canceled: " + b.ID}
	}
	b, err = c.CancelBatch(b)
	return newBatchObject(c, b), err
}

// deleteBatch deletes a batch that has ended, and its results.
func deleteBatch(c call) (any, error) {
	b, err := batch(c)
	if err != nil {
		return nil, err
	}
	if !b.Ended() {
		return nil, &apiError{status: http.StatusConflict, message: "Message Batch is in progress and cannot be deleted: cancel it first."}
	}
	return map[string]string{"id": b.ID, "type": "message_batch_deleted"}, c.DeleteBatch(b)
}

// sendResults sends the lines of all rows. There is no length, as with a stream
// that is made while it is sent.
func sendResults(c call) (any, error) {
	b, err := batch(c)
	if err != nil {
		return nil, err
	}
	f, found := c.File(b.OutputFile)
	switch {
	case !b.Ended():
		return nil, &apiError{status: http.StatusNotFound, message: "Message Batch " + b.ID + " has no available results yet."}
	case isArchived(c, b):
		return nil, &apiError{status: http.StatusNotFound, message: "The results of Message Batch " + b.ID + " have been archived."}
	case !found: // no row has a line
		return content{}, nil
	}
	in, err := c.Open(f)
	if err != nil {
		return nil, fmt.Errorf("simulator: read results: %w", err)
	}
	return content{in}, nil
}

// content is a reply that is not JSON but results.
type content struct{ in io.ReadCloser }

func (c content) serve(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/x-jsonl")
	w.WriteHeader(http.StatusOK)
	if c.in == nil {
		return
	}
	defer func() { _ = c.in.Close() }()
	_, _ = io.Copy(w, c.in) // a client that went away needs no more
}

// listBatches returns a page of the batches, newest first.
func listBatches(c call) (any, error) {
	return pageOf(c, "Message Batch", c.Batches(), func(b protocol.Batch) (string, any) { return b.ID, newBatchObject(c, b) })
}
