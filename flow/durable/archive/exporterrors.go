package archive

import (
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/journal"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// BatchError is why a batch was put off, taken back, given up or refused. The
// rows may have been sent again under the same tag.
type BatchError struct {
	Batch  string    `json:"batch,omitempty"`  // the provider's name for it; none if it was refused before it had one
	SentAt time.Time `json:"sent_at,omitzero"` // when it was bought
	sink.RowError
}

// batchErrors returns what went wrong with the batches, by tag, in that order.
func (a *Archive) batchErrors() (map[string][]BatchError, error) {
	all := make(map[string][]BatchError)
	last := make(map[string]intent.Intent)
	err := journal.Read(a.Root, jobdir.JournalFile, a.ID, func(record []byte) error {
		l, err := jobdir.DecodeLine(record)
		if err != nil || l.Intent == nil {
			return err
		}
		now, before := *l.Intent, last[l.Intent.Tag]
		if last[now.Tag] = now; isFailure(&before, &now) {
			e := BatchError{Batch: now.Batch, SentAt: now.SentAt, RowError: *errorOf(&now)}
			if before.Batch != "" {
				e.Batch = before.Batch // one that is put off loses its name
			}
			all[now.Tag] = append(all[now.Tag], e)
		}
		return nil
	})
	return all, err
}

// isFailure reports whether the step between two states of a batch has a
// reason.
func isFailure(before, now *intent.Intent) bool {
	switch {
	case now.Reason == nil:
		return false
	case before.Reason == nil || before.Refusals != now.Refusals:
		return true
	}
	return *before.Reason != *now.Reason
}

// errorOf returns why a batch was refused, nil if it was not.
func errorOf(in *intent.Intent) *sink.RowError {
	if in.Reason == nil {
		return nil
	}
	var class retry.Class
	_ = class.UnmarshalText([]byte(in.Reason.Class)) // an unknown one is none
	return &sink.RowError{Class: class, Code: in.Reason.Code, Message: in.Reason.Message}
}
