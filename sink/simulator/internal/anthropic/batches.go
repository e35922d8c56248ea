package anthropic

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

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

// listObject is a page of batches.
type listObject struct {
	Data    []batchObject `json:"data"`
	HasMore bool          `json:"has_more"`
	FirstID *string       `json:"first_id"`
	LastID  *string       `json:"last_id"`
}

// listBatches returns the page after a batch, or that before one, newest first.
func listBatches(c call) (any, error) {
	query, all, limit := c.r.URL.Query(), c.Batches(), 20
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return nil, invalid("limit: Input should be between 1 and 1000")
		}
		limit = n
	}
	for name := range query {
		if !slices.Contains([]string{"limit", "after_id", "before_id"}, name) {
			return nil, invalid("%s: Extra inputs are not permitted", name)
		}
	}
	after, before := query.Get("after_id"), query.Get("before_id")
	page := listObject{Data: []batchObject{}}
	place := slices.IndexFunc(all, func(b protocol.Batch) bool { return b.ID == after+before })
	switch {
	case after != "" && before != "":
		return nil, invalid("before_id: cannot be used together with after_id")
	case after+before != "" && place < 0:
		return nil, invalid("no Message Batch has the id %q", after+before)
	case before != "":
		page.HasMore = place > limit
		all = all[max(place-limit, 0):place]
	default:
		all = all[place+1:]
		page.HasMore = len(all) > limit
		all = all[:min(limit, len(all))]
	}
	for _, b := range all {
		page.Data = append(page.Data, newBatchObject(c, b))
	}
	if n := len(page.Data); n > 0 {
		page.FirstID, page.LastID = &page.Data[0].ID, &page.Data[n-1].ID
	}
	return page, nil
}
