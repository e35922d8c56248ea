package gemini_test

import (
	"errors"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/gemini"
)

func refused(status, word, message string) string {
	return status + `{"error":{"code":` + status + `,"status":"` + word + `","message":"` + message + `"}}`
}

func TestWhyACreationFailed(t *testing.T) {
	const general = "You exceeded your current quota, please check your plan and billing details."
	for reply, want := range map[string]struct {
		class retry.Class
		cause error
	}{
		refused("429", "RESOURCE_EXHAUSTED", general): {retry.Retryable, sink.ErrFull},
		refused("429", "RESOURCE_EXHAUSTED", general+` * Quota exceeded for metric: g/requests_per_minute, limit: 9, model: m`): {retry.Retryable, nil},
		refused("429", "RESOURCE_EXHAUSTED", `Quota exceeded for metric: g/batch_enqueued_tokens, limit: 3000000, model: m`):    {retry.Retryable, sink.ErrFull},
		refused("429", "RESOURCE_EXHAUSTED", `There may be 100 concurrent batch jobs.`):                                         {retry.Retryable, sink.ErrFull},
		refused("400", "INVALID_ARGUMENT", `Request payload size exceeds the limit: 20971520 bytes.`):                           {retry.Permanent, sink.ErrTooLarge},
		refused("413", "", ``): {retry.Permanent, sink.ErrTooLarge},
		refused("400", "INVALID_ARGUMENT", `Invalid JSON payload received.`):                                        {retry.Permanent, nil},
		refused("403", "PERMISSION_DENIED", `You do not have permission to access the File f or it may not exist.`): {retry.Retryable, sink.ErrFileGone},
		refused("400", "FAILED_PRECONDITION", `The File g is not in an ACTIVE state.`):                              {retry.Retryable, sink.ErrNotYet},
		refused("400", "FAILED_PRECONDITION", `User location is not supported for the API use.`):                    {retry.Blocked, nil},
		refused("403", "PERMISSION_DENIED", `The caller does not have permission`):                                  {retry.Blocked, nil},
		refused("404", "NOT_FOUND", `models/m is not found for API version v1beta`):                                 {retry.Permanent, nil},
		refused("503", "UNAVAILABLE", `The model is overloaded.`):                                                   {retry.Ambiguous, nil},
		`{}`:     {retry.Ambiguous, nil},
		`<html>`: {retry.Ambiguous, nil},
	} {
		file := "files/f"
		if want.cause == sink.ErrNotYet { //nolint:errorlint // of the table
			file = "files/g"
		}
		c, _ := serve(t, answers{"POST /v1beta/models/m:batchGenerateContent": reply, "GET /v1beta/files/g": "{}"}, gemini.Config{})
		batch, err := c.Create(t.Context(), spec("t"), file, nil)
		if batch != "" || retry.ClassOf(err) != want.class || !errors.Is(err, cmpOr(want.cause, err)) {
			t.Errorf("%s: %q, %v", reply, batch, err)
		}
		if want.cause == nil && (errors.Is(err, sink.ErrFull) || errors.Is(err, sink.ErrNotYet) || errors.Is(err, sink.ErrFileGone) || errors.Is(err, sink.ErrTooLarge)) {
			t.Errorf("%s: %v", reply, err)
		}
	}
}

func cmpOr(cause, err error) error {
	if cause != nil {
		return cause
	}
	return err
}

func TestHowManyTokensThereIsRoomFor(t *testing.T) {
	c, _ := serve(t, answers{"POST /v1beta/models/m:batchGenerateContent": refused("429", "RESOURCE_EXHAUSTED",
		"Quota exceeded for metric: g/batch_jobs, limit: 100 * Quota exceeded for metric: g/batch_enqueued_tokens, limit: 3000000, model: m")}, gemini.Config{})
	_, err := c.Create(t.Context(), spec("t"), "files/f", nil)
	if full, _ := errors.AsType[*sink.FullError](err); full == nil || full.Tokens != 3_000_000 {
		t.Error(err)
	}
}

func TestCancelOfAnEndedBatch(t *testing.T) {
	c, _ := serve(t, answers{
		"POST /v1beta/batches/done:cancel": refused("400", "FAILED_PRECONDITION", "It has ended."),
		"GET /v1beta/batches/done":         `{"name":"batches/done","done":true,"response":{}}`,
		"POST /v1beta/batches/open:cancel": refused("400", "FAILED_PRECONDITION", "Not now."),
		"GET /v1beta/batches/open":         `{"metadata":{"state":"BATCH_STATE_PENDING"}}`,
	}, gemini.Config{})
	if err := c.Cancel(t.Context(), sink.Handle{Batch: "batches/done"}); err != nil {
		t.Error(err)
	}
	if err := c.Cancel(t.Context(), sink.Handle{Batch: "batches/open"}); err == nil {
		t.Error("a refusal is no error")
	}
}

// A file of results whose id is too long for the API is left.
func TestRemove(t *testing.T) {
	deleted := answers{
		"GET /v1beta/batches/b":        `{"done":true,"metadata":{"inputConfig":{"fileName":"files/in"},"output":{"responsesFile":"files/batch-b"}}}`,
		"DELETE /v1beta/files/batch-b": refused("400", "INVALID_ARGUMENT", "The ID is longer than 40 characters."),
		"DELETE /v1beta/files/in":      refused("403", "PERMISSION_DENIED", "You do not have permission to access the File in or it may not exist."),
		"DELETE /v1beta/batches/b":     "{}",
		"GET /v1beta/batches/open":     `{"metadata":{"state":"BATCH_STATE_PENDING"}}`,
	}
	c, _ := serve(t, deleted, gemini.Config{})
	for _, h := range []sink.Handle{{Batch: "batches/b"}, {Batch: "batches/b", File: "files/other"}, {File: "files/in"}, {Batch: "batches/gone", File: "files/in"}, {}} {
		if err := c.Remove(t.Context(), h); err != nil {
			t.Errorf("%+v: %v", h, err)
		}
	}
	if err := c.Remove(t.Context(), sink.Handle{Batch: "open"}); !errors.Is(err, sink.ErrNotEnded) {
		t.Error(err)
	}
	deleted["DELETE /v1beta/files/in"] = refused("400", "INVALID_ARGUMENT", "no")
	if err := c.Remove(t.Context(), sink.Handle{File: "files/in"}); retry.ClassOf(err) != retry.Permanent {
		t.Error(err)
	}
}
