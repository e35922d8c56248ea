package openaitest

// File is a file as the simulator shows it.
type File struct {
	ID, Object, Filename, Purpose, Status string
	Bytes                                 int64
	CreatedAt                             int64  `json:"created_at"`
	ExpiresAt                             *int64 `json:"expires_at"`
}

// Batch is a batch as the simulator shows it.
type Batch struct {
	ID, Object, Status, Endpoint, Model string
	InputFileID                         string `json:"input_file_id"`
	OutputFileID                        string `json:"output_file_id"`
	ErrorFileID                         string `json:"error_file_id"`
	CreatedAt                           int64  `json:"created_at"`
	InProgressAt                        int64  `json:"in_progress_at"`
	ExpiresAt                           int64  `json:"expires_at"`
	CompletedAt                         int64  `json:"completed_at"`
	ExpiredAt                           int64  `json:"expired_at"`
	FailedAt                            int64  `json:"failed_at"`
	CancellingAt                        int64  `json:"cancelling_at"`
	CancelledAt                         int64  `json:"cancelled_at"`
	Metadata                            map[string]string
	Errors                              struct{ Data []LineError }
	RequestCounts                       Counts `json:"request_counts"`
	Usage                               struct {
		InputTokens  int64 `json:"input_tokens"`
		OutputTokens int64 `json:"output_tokens"`
		TotalTokens  int64 `json:"total_tokens"`
	}
}

// Counts are the rows of a batch.
type Counts struct{ Total, Completed, Failed int }

// LineError is why a batch failed validation.
type LineError struct {
	Code, Message string
	Param         *string
	Line          *int
}

// Error is the envelope of an error.
type Error struct {
	Error struct{ Message, Type, Param, Code string }
}

// Page is a page of a list.
type Page[T any] struct {
	Object  string
	Data    []T
	FirstID string `json:"first_id"`
	LastID  string `json:"last_id"`
	HasMore bool   `json:"has_more"`
}

// ResultLine is a line of a result file.
type ResultLine struct {
	ID       string
	CustomID string `json:"custom_id"`
	Response *struct {
		StatusCode int    `json:"status_code"`
		RequestID  string `json:"request_id"`
		Body       struct {
			Choices []struct {
				FinishReason string `json:"finish_reason"`
				Message      struct{ Content, Refusal string }
			}
			Error struct{ Code, Message, Type string }
		}
	}
	Error *struct{ Code, Message string }
}
