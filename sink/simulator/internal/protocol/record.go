package protocol

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"
)

// Identity is the part that all records have in common.
type Identity struct {
	ID       string    `json:"id"`
	Protocol string    `json:"protocol,omitempty"` // its name; empty means openai
	Owner    string    `json:"owner"`              // fingerprint of the API key and the scope
	Seq      int       `json:"seq"`                // position in the collection, from 0
	Created  time.Time `json:"created"`
}

// Ident returns the identity of the record that i is part of.
func (i Identity) Ident() Identity { return i }

// NewID returns an id that nothing else has.
func NewID(prefix string) string { return prefix + strings.ToLower(rand.Text()) }

// File is what the provider knows of a file; its content lies beside it.
type File struct {
	Identity
	Name    string    `json:"name"`
	Purpose string    `json:"purpose"`
	Bytes   int64     `json:"bytes"`
	Expires time.Time `json:"expires,omitzero"`
	Deleted bool      `json:"deleted,omitempty"`
	// Hidden says that it is in no list of files. It belongs to the batch that
	// names it: as an input it is deleted when the batch ends, as a result when
	// the batch is deleted.
	Hidden bool `json:"hidden,omitempty"`
	// Data is what else the protocol has to know.
	Data json.RawMessage `json:"data,omitempty"`
}

// Gone reports whether the file exists no more at the given time.
func (f File) Gone(now time.Time) bool {
	return f.Deleted || (!f.Expires.IsZero() && !now.Before(f.Expires))
}

// Batch is what the provider knows of a batch.
type Batch struct {
	Identity
	Name      string            `json:"name,omitempty"` // given by the client
	Endpoint  string            `json:"endpoint"`
	Window    string            `json:"window"`
	InputFile string            `json:"input_file"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	KeepFor   time.Duration     `json:"keep_for,omitempty"` // life of the result files; 0: as long as the provider likes
	// Declared is how many rows it has, if that is known at its creation.
	Declared int `json:"declared,omitempty"`
	// Ordered says that its rows run and are written in the order of the input.
	Ordered bool `json:"ordered,omitempty"`
	// Data is what else the protocol has to know.
	Data json.RawMessage `json:"data,omitempty"`

	Status       string      `json:"status"`
	InProgressAt time.Time   `json:"in_progress_at,omitzero"`
	FinalizingAt time.Time   `json:"finalizing_at,omitzero"`
	CancellingAt time.Time   `json:"cancelling_at,omitzero"`
	EndedAt      time.Time   `json:"ended_at,omitzero"`
	ExpiresAt    time.Time   `json:"expires_at"`
	Errors       []LineError `json:"errors,omitempty"`
	Refused      bool        `json:"refused,omitempty"` // it is to fail validation
	Deleted      bool        `json:"deleted,omitempty"`

	Model  string `json:"model,omitempty"`
	Counts Counts `json:"counts"`
	Tokens int64  `json:"tokens,omitempty"` // input tokens held against the limit
	Usage  Usage  `json:"usage"`

	// The ids of the result files are chosen before any row runs, so that a
	// batch that is begun again after a crash ends in the same files. Without
	// an ErrorFile all results are in OutputFile.
	OutputFile string `json:"output_file,omitempty"`
	ErrorFile  string `json:"error_file,omitempty"`
	// Settled says that the result files are complete. They are shown to the
	// client when the batch ends.
	Settled bool `json:"settled,omitempty"`
}

// The states of a batch. It moves only forward; completed, failed, expired and
// cancelled are the ends. A protocol has its own words for them.
const (
	Validating = "validating"
	Failed     = "failed"
	InProgress = "in_progress"
	Finalizing = "finalizing"
	Completed  = "completed"
	Expired    = "expired"
	Cancelling = "cancelling"
	Cancelled  = "cancelled"
)

// Ended reports whether the batch has reached a terminal status.
func (b Batch) Ended() bool { return !b.EndedAt.IsZero() }

// AsOf returns what was to be seen of b at time t, not before its creation.
func (b Batch) AsOf(t time.Time) Batch {
	if !b.EndedAt.After(t) && !b.CancellingAt.After(t) && !b.FinalizingAt.After(t) && !b.InProgressAt.After(t) {
		return b
	}
	b.Status, b.EndedAt, b.Errors = Validating, time.Time{}, nil
	for _, step := range []struct {
		at     *time.Time
		status string
	}{{&b.InProgressAt, InProgress}, {&b.FinalizingAt, Finalizing}, {&b.CancellingAt, Cancelling}} {
		if step.at.After(t) {
			*step.at = time.Time{}
		} else if !step.at.IsZero() {
			b.Status = step.status
		}
	}
	if b.InProgressAt.IsZero() {
		b.Model, b.Counts, b.Usage = "", Counts{Total: b.Declared}, Usage{}
	}
	return b
}

// Counts are the rows of a batch. Rows that never ran are in neither of
// Completed and Failed.
type Counts struct {
	Total     int `json:"total"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
}

// Usage is what the rows of a batch consumed.
type Usage struct {
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
	CachedTokens int64 `json:"cached_tokens,omitempty"` // of the input
}

// LineError is one reason why a batch failed validation.
type LineError struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Param   *string `json:"param"`
	Line    *int    `json:"line"`
}
