package gemini_test

import (
	"errors"
	"math"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/gemini"
)

func TestStatus(t *testing.T) {
	stats := `,"batchStats":{"requestCount":"3","successfulRequestCount":"1","failedRequestCount":1}`
	for body, want := range map[string]sink.Status{
		`{"name":"batches/b","metadata":{"state":"BATCH_STATE_PENDING"}}`: {Phase: "pending"},
		`{"metadata":{"state":"JOB_STATE_QUEUED"}}`:                       {Phase: "queued"},
		`{"metadata":{"state":"batch_state_running"` + stats + `}}`:       {Phase: "running", Accepted: true, Total: 3, Succeeded: 1, Failed: 1},
		`{"metadata":{"state":"JOB_STATE_PAUSED"}}`:                       {Phase: "paused", Accepted: true},
		`{"metadata":{"state":"JOB_STATE_CANCELLING"}}`:                   {Phase: "cancelling"},
		`{"metadata":{"state":"BATCH_STATE_SETTLED"}}`:                    {Phase: "settled", Unknown: true},
		`{"metadata":{"state":"BATCH_STATE_UNSPECIFIED"}}`:                {Phase: "unspecified", Unknown: true},
		`{"metadata":{}}`: {Unknown: true},
		`{"done":true,"metadata":{"state":"BATCH_STATE_RUNNING"},"response":{"responsesFile":"files/r"}}`: {
			Ended: true, Phase: "succeeded", Accepted: true,
		},
		`{"done":true,"error":{"code":1,"message":"stop"},"metadata":{"batchStats":{"requestCount":"3"}}}`: {
			Ended: true, Phase: "cancelled", Total: 3, NotRun: 3,
		},
		`{"done":true,"metadata":{"state":"BATCH_STATE_CANCELLED"` + stats + `}}`: {
			Ended: true, Phase: "cancelled", Accepted: true, Total: 3, Succeeded: 1, Failed: 1, NotRun: 1,
		},
		`{"metadata":{"state":"BATCH_STATE_CANCELLED"}}`:                                          {Ended: true, Phase: "cancelled"},
		`{"metadata":{"state":"BATCH_STATE_CANCELLED","batchStats":{"pendingRequestCount":"0"}}}`: {Ended: true, Phase: "cancelled", NotRun: math.MaxInt},
		`{"metadata":{"state":"JOB_STATE_EXPIRED"` + stats + `}}`: {
			Ended: true, Phase: "expired", Accepted: true, Total: 3, Succeeded: 1, Failed: 1, NotRun: math.MaxInt,
		},
		`{"metadata":{"state":"JOB_STATE_PARTIALLY_SUCCEEDED"` + stats + `}}`: {
			Ended: true, Phase: "partially_succeeded", Accepted: true, Total: 3, Succeeded: 1, Failed: 1, NotRun: 1,
		},
		`{"metadata":{"state":"BATCH_STATE_SUCCEEDED","batchStats":{"requestCount":"3"}}}`: {Ended: true, Phase: "succeeded", Accepted: true, Total: 3},
		`{"name":"batches/b","state":"JOB_STATE_RUNNING","batchStats":"soon"}`:             {Phase: "running", Accepted: true},
		`{"metadata":{"state":"JOB_STATE_RUNNING","createTime":"soon","batchStats":{"requestCount":null},"output":[]},"error":null}`: {
			Phase: "running", Accepted: true,
		},
	} {
		c, _ := serve(t, answers{"GET /v1beta/batches/b": body}, gemini.Config{})
		got, err := c.Status(t.Context(), sink.Handle{Batch: "batches/b"})
		if err != nil || got != want {
			t.Errorf("%s is\n%+v, %v, want\n%+v", body, got, err, want)
		}
	}
}

func TestWhyABatchWasRefused(t *testing.T) {
	for failure, want := range map[string]struct {
		class retry.Class
		code  string
		cause error
	}{
		`{"code":3,"message":"no such field"}`:                                   {retry.Permanent, "INVALID_ARGUMENT", nil},
		`{"code":3,"message":"Request payload size exceeds the limit: 9 bytes"}`: {retry.Permanent, "INVALID_ARGUMENT", sink.ErrTooLarge},
		`{"code":5,"message":"File not found"}`:                                  {retry.Retryable, "NOT_FOUND", sink.ErrFileGone},
		`{"code":7,"message":"no"}`:                                              {retry.Blocked, "PERMISSION_DENIED", nil},
		`{"code":8,"message":"enqueued tokens"}`:                                 {retry.Retryable, "RESOURCE_EXHAUSTED", sink.ErrFull},
		`{"code":13,"message":"oh"}`:                                             {retry.Retryable, "INTERNAL", sink.ErrNotYet},
		`{"code":99,"message":"what"}`:                                           {retry.Retryable, "code_99", nil},
		`{"code":403,"details":[{"reason":"API_KEY_INVALID"}]}`:                  {retry.Blocked, "API_KEY_INVALID", nil},
		`null`: {retry.Retryable, "failed", nil},
	} {
		c, _ := serve(t, answers{
			"GET /v1beta/batches/b": `{"done":true,"error":` + failure + `,"metadata":{"state":"BATCH_STATE_FAILED","batchStats":{"requestCount":"3"}}}`,
		}, gemini.Config{})
		got, err := c.Status(t.Context(), sink.Handle{Batch: "batches/b", File: "files/f"})
		if err != nil || got.Err == nil || got.NotRun != math.MaxInt {
			t.Errorf("%s: %+v, %v", failure, got, err)
			continue
		}
		if e := got.Err; e.Class != want.class || e.Code != want.code || !errors.Is(e.Cause, want.cause) {
			t.Errorf("%s is %+v", failure, e)
		}
	}
}

// A batch with rows that ran was not refused.
func TestABatchThatFailsHalfWayWasNotRefused(t *testing.T) {
	c, _ := serve(t, answers{"GET /v1beta/batches/b": `{"done":true,"error":{"code":13},"metadata":{"state":"BATCH_STATE_FAILED",` +
		`"output":{"responsesFile":"files/r"},"batchStats":{"requestCount":"3","successfulRequestCount":"1"}}}`}, gemini.Config{})
	got, err := c.Status(t.Context(), sink.Handle{Batch: "b"})
	if want := (sink.Status{Ended: true, Phase: "failed", Accepted: true, Total: 3, Succeeded: 1, NotRun: 2}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

// A key that is refused by now takes nothing away from rows that ran: if they
// were released, they would be bought again.
func TestABlockedAccountReleasesNoRowsThatRan(t *testing.T) {
	for _, failure := range []string{
		`{"code":403,"details":[{"reason":"API_KEY_INVALID"}]}`, `{"code":7,"message":"no"}`, `{"code":429,"details":[{"reason":"BILLING_DISABLED"}]}`,
	} {
		c, _ := serve(t, answers{"GET /v1beta/batches/b": `{"done":true,"error":` + failure + `,"metadata":{"state":"BATCH_STATE_FAILED",` +
			`"output":{"responsesFile":"files/r"},"batchStats":{"requestCount":"3","successfulRequestCount":"3"}}}`}, gemini.Config{})
		got, err := c.Status(t.Context(), sink.Handle{Batch: "b"})
		if err != nil || got.Err != nil || got.NotRun != 0 || !got.Accepted {
			t.Errorf("%s: %+v, %v", failure, got, err)
		}
	}
}

func TestAStatusOfAnotherBatchIsNone(t *testing.T) {
	c, _ := serve(t, answers{"GET /v1beta/batches/b": `{"name":"batches/c","metadata":{"state":"JOB_STATE_SUCCEEDED"}}`}, gemini.Config{})
	if s, err := c.Status(t.Context(), sink.Handle{Batch: "batches/b"}); retry.ClassOf(err) != retry.Retryable {
		t.Errorf("%+v, %v", s, err)
	}
}
