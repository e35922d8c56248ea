package openai

import (
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// fileObject is a file as clients see it.
type fileObject struct {
	ID            string  `json:"id"`
	Object        string  `json:"object"`
	Bytes         int64   `json:"bytes"`
	CreatedAt     int64   `json:"created_at"`
	ExpiresAt     *int64  `json:"expires_at"`
	Filename      string  `json:"filename"`
	Purpose       string  `json:"purpose"`
	Status        string  `json:"status"`
	StatusDetails *string `json:"status_details"`
}

func newFileObject(f protocol.File) fileObject {
	return fileObject{
		ID: f.ID, Object: "file", Bytes: f.Bytes, CreatedAt: f.Created.Unix(),
		ExpiresAt: unix(f.Expires), Filename: f.Name, Purpose: f.Purpose, Status: "processed",
	}
}

// batchObject is a batch as clients see it.
type batchObject struct {
	ID               string            `json:"id"`
	Object           string            `json:"object"`
	Endpoint         string            `json:"endpoint"`
	Model            *string           `json:"model"`
	Errors           *errorList        `json:"errors"`
	InputFileID      string            `json:"input_file_id"`
	CompletionWindow string            `json:"completion_window"`
	Status           string            `json:"status"`
	OutputFileID     *string           `json:"output_file_id"`
	ErrorFileID      *string           `json:"error_file_id"`
	CreatedAt        int64             `json:"created_at"`
	InProgressAt     *int64            `json:"in_progress_at"`
	ExpiresAt        *int64            `json:"expires_at"`
	FinalizingAt     *int64            `json:"finalizing_at"`
	CompletedAt      *int64            `json:"completed_at"`
	FailedAt         *int64            `json:"failed_at"`
	ExpiredAt        *int64            `json:"expired_at"`
	CancellingAt     *int64            `json:"cancelling_at"`
	CancelledAt      *int64            `json:"cancelled_at"`
	RequestCounts    protocol.Counts   `json:"request_counts"`
	Usage            usageObject       `json:"usage"`
	Metadata         map[string]string `json:"metadata"`
}

type errorList struct {
	Object string               `json:"object"`
	Data   []protocol.LineError `json:"data"`
}

type usageObject struct {
	InputTokens        int64 `json:"input_tokens"`
	InputTokensDetails struct {
		CachedTokens int64 `json:"cached_tokens"`
	} `json:"input_tokens_details"`
	OutputTokens        int64 `json:"output_tokens"`
	OutputTokensDetails struct {
		ReasoningTokens int64 `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
	TotalTokens int64 `json:"total_tokens"`
}

func newBatchObject(b protocol.Batch) batchObject {
	o := batchObject{
		ID: b.ID, Object: "batch", Endpoint: b.Endpoint, Model: optional(b.Model),
		InputFileID: b.InputFile, CompletionWindow: b.Window, Status: b.Status,
		CreatedAt: b.Created.Unix(), InProgressAt: unix(b.InProgressAt), ExpiresAt: unix(b.ExpiresAt),
		FinalizingAt: unix(b.FinalizingAt), CancellingAt: unix(b.CancellingAt),
		RequestCounts: b.Counts, Metadata: b.Metadata,
	}
	if len(b.Errors) > 0 && b.Status == protocol.Failed {
		o.Errors = &errorList{Object: "list", Data: b.Errors}
	}
	o.Usage.InputTokens, o.Usage.OutputTokens = b.Usage.InputTokens, b.Usage.OutputTokens
	o.Usage.InputTokensDetails.CachedTokens = b.Usage.CachedTokens
	o.Usage.TotalTokens = b.Usage.InputTokens + b.Usage.OutputTokens
	if b.Ended() && b.Status != protocol.Failed {
		o.OutputFileID, o.ErrorFileID = optional(b.OutputFile), optional(b.ErrorFile)
	}
	switch ended := unix(b.EndedAt); b.Status {
	case protocol.Completed:
		o.CompletedAt = ended
	case protocol.Failed:
		o.FailedAt = ended
	case protocol.Expired:
		o.ExpiredAt = ended
	case protocol.Cancelled:
		o.CancelledAt = ended
	}
	return o
}

// unix returns t as the API writes it: in whole seconds, or null.
func unix(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	seconds := t.Unix()
	return &seconds
}

// optional returns s, or null if it is empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
