package anthropic

import (
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// batchObject is a batch as clients see it.
type batchObject struct {
	ID                string  `json:"id"`
	Type              string  `json:"type"`
	ProcessingStatus  string  `json:"processing_status"`
	RequestCounts     counts  `json:"request_counts"`
	EndedAt           *string `json:"ended_at"`
	CreatedAt         string  `json:"created_at"`
	ExpiresAt         string  `json:"expires_at"`
	ArchivedAt        *string `json:"archived_at"`
	CancelInitiatedAt *string `json:"cancel_initiated_at"`
	ResultsURL        *string `json:"results_url"`
}

// counts are of rows. Until the batch has ended all are processing.
type counts struct {
	Processing int `json:"processing"`
	Succeeded  int `json:"succeeded"`
	Errored    int `json:"errored"`
	Canceled   int `json:"canceled"`
	Expired    int `json:"expired"`
}

func countsOf(b protocol.Batch) (c counts) {
	if !b.Ended() {
		return counts{Processing: b.Counts.Total}
	}
	c.Succeeded, c.Errored = b.Counts.Completed, b.Counts.Failed
	left := b.Counts.Total - c.Succeeded - c.Errored
	if b.Status == protocol.Expired {
		c.Expired = left
	} else {
		c.Canceled = left
	}
	return c
}

func statusOf(b protocol.Batch) string {
	switch {
	case b.Ended():
		return "ended"
	case !b.CancellingAt.IsZero():
		return "canceling"
	}
	return "in_progress"
}

// newBatchObject returns the batch as it is at the session's time.
func newBatchObject(s protocol.Session, b protocol.Batch) batchObject {
	o := batchObject{
		ID: b.ID, Type: "message_batch", ProcessingStatus: statusOf(b), RequestCounts: countsOf(b),
		CreatedAt: timestamp(b.Created), ExpiresAt: timestamp(b.Created.Add(window)),
		EndedAt: optionalTime(b.EndedAt), CancelInitiatedAt: optionalTime(b.CancellingAt),
	}
	switch {
	case isArchived(s, b):
		o.ArchivedAt = optionalTime(b.Created.Add(archive))
	case b.Ended():
		url := s.ResultURL("/v1/messages/batches/" + b.ID + "/results")
		o.ResultsURL = &url
	}
	return o
}

// isArchived reports whether the results of a batch are gone.
func isArchived(s protocol.Session, b protocol.Batch) bool {
	return b.Ended() && !s.Now().Before(b.Created.Add(archive))
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z07:00") }

func optionalTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := timestamp(t)
	return &text
}
