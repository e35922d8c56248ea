package simulator

import "time"

// file is what the provider knows of a file; its content lies beside it.
type file struct {
	identity
	Name    string    `json:"name"`
	Purpose string    `json:"purpose"`
	Bytes   int64     `json:"bytes"`
	Expires time.Time `json:"expires,omitzero"`
	Deleted bool      `json:"deleted,omitempty"`
}

// gone reports whether the file exists no more at the given time.
func (f file) gone(now time.Time) bool {
	return f.Deleted || (!f.Expires.IsZero() && !now.Before(f.Expires))
}

// batch is what the provider knows of a batch.
type batch struct {
	identity
	Endpoint  string            `json:"endpoint"`
	Window    string            `json:"window"`
	InputFile string            `json:"input_file"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	KeepFor   time.Duration     `json:"keep_for,omitempty"` // life of the result files; 0: the provider's

	Status       string      `json:"status"`
	InProgressAt time.Time   `json:"in_progress_at,omitzero"`
	FinalizingAt time.Time   `json:"finalizing_at,omitzero"`
	CancellingAt time.Time   `json:"cancelling_at,omitzero"`
	EndedAt      time.Time   `json:"ended_at,omitzero"`
	ExpiresAt    time.Time   `json:"expires_at"`
	Errors       []lineError `json:"errors,omitempty"`
	Refused      bool        `json:"refused,omitempty"` // it is to fail validation

	Model  string `json:"model,omitempty"`
	Counts counts `json:"counts"`
	Tokens int64  `json:"tokens,omitempty"` // input tokens held against the limit
	Usage  usage  `json:"usage"`

	// The ids of the result files are chosen before any row runs, so that a
	// batch that is begun again after a crash ends in the same files.
	OutputFile string `json:"output_file,omitempty"`
	ErrorFile  string `json:"error_file,omitempty"`
	// Settled says that the result files are complete. They are shown to the
	// client when the batch ends.
	Settled bool `json:"settled,omitempty"`
}

// ended reports whether the batch has reached a terminal status.
func (b batch) ended() bool { return !b.EndedAt.IsZero() }

// asOf returns what was to be seen of b at time t, not before its creation.
func (b batch) asOf(t time.Time) batch {
	if !b.EndedAt.After(t) && !b.CancellingAt.After(t) && !b.FinalizingAt.After(t) && !b.InProgressAt.After(t) {
		return b
	}
	b.Status, b.EndedAt, b.Errors = validating, time.Time{}, nil
	for _, step := range []struct {
		at     *time.Time
		status string
	}{{&b.InProgressAt, inProgress}, {&b.FinalizingAt, finalizing}, {&b.CancellingAt, cancelling}} {
		if step.at.After(t) {
			*step.at = time.Time{}
		} else if !step.at.IsZero() {
			b.Status = step.status
		}
	}
	if b.InProgressAt.IsZero() {
		b.Model, b.Counts, b.Usage = "", counts{}, usage{}
	}
	return b
}

// counts are the rows of a batch. Rows that never ran are in neither of
// Completed and Failed.
type counts struct {
	Total     int `json:"total"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
}

// usage is what the rows of a batch consumed.
type usage struct {
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
}

// lineError is one reason why a batch failed validation.
type lineError struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Param   *string `json:"param"`
	Line    *int    `json:"line"`
}
