package anthropic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/retry"
)

func errored(kind string) string {
	return `{"custom_id":"a","result":{"type":"errored","error":{"type":"error","error":{"type":"` + kind + `","message":"m"},"request_id":"req_1"}}}`
}

func TestWhatBecameOfARow(t *testing.T) {
	type fate struct {
		Status  int
		Class   retry.Class
		Code    string
		Skipped bool
	}
	result := func(s string) string { return `{"custom_id":"a","result":` + s + `}` }
	for line, want := range map[string]fate{
		result(`{"type":"succeeded","message":{"content":[]}}`):                             {Status: 200},
		result(`{"type":"SUCCEEDED","message":{"content":[]},"new":1}`):                     {Status: 200},
		result(`{"type":"succeeded","message":null}`):                                       {200, retry.Permanent, "no_answer", false},
		result(`{"type":"succeeded"}`):                                                      {200, retry.Permanent, "no_answer", false},
		result(`{"type":"canceled"}`):                                                       {0, retry.Retryable, "batch_cancelled", true},
		result(`{"type":"cancelled"}`):                                                      {0, retry.Retryable, "batch_cancelled", true},
		result(`{"type":"expired"}`):                                                        {0, retry.Retryable, "batch_expired", true},
		result(`{"type":"brand_new"}`):                                                      {0, retry.Permanent, "unknown_result", false},
		result(`{"type":"errored"}`):                                                        {500, retry.Retryable, "errored", false},
		result(`{"type":"errored","error":null}`):                                           {500, retry.Retryable, "errored", false},
		result(`{"type":"errored","error":"words"}`):                                        {500, retry.Retryable, "errored", false},
		result(`{"type":"errored","error":{"type":"invalid_request_error","message":"m"}}`): {400, retry.Permanent, "invalid_request_error", false},
		errored("invalid_request_error"):                                                    {400, retry.Permanent, "invalid_request_error", false},
		errored("authentication_error"):                                                     {401, retry.Blocked, "authentication_error", false},
		errored("billing_error"):                                                            {402, retry.Blocked, "billing_error", false},
		errored("permission_error"):                                                         {403, retry.Blocked, "permission_error", false},
		errored("not_found_error"):                                                          {404, retry.Permanent, "not_found_error", false},
		errored("request_too_large"):                                                        {413, retry.Permanent, "request_too_large", false},
		errored("rate_limit_error"):                                                         {429, retry.Retryable, "rate_limit_error", false},
		errored("api_error"):                                                                {500, retry.Retryable, "api_error", false},
		errored("timeout_error"):                                                            {504, retry.Retryable, "timeout_error", false},
		errored("overloaded_error"):                                                         {529, retry.Retryable, "overloaded_error", false},
		errored("brand_new_error"):                                                          {500, retry.Retryable, "brand_new_error", false},
		result(`{"type":"errored","error":{"error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}}`): {400, retry.Blocked, "invalid_request_error", false},
	} {
		o, err := parseLine([]byte(line))
		got := fate{Status: o.Status, Skipped: o.Skipped}
		if o.Err != nil {
			got.Class, got.Code = o.Err.Class, o.Err.Code
			if o.Err.Message == "" {
				t.Errorf("%s: no words", line)
			}
		}
		if err != nil || o.ID != "a" || got != want {
			t.Errorf("%s: -want +got %s, %v", line, cmp.Diff(want, got), err)
		}
		if ran := o.Status != 0 || o.Err.Code == "unknown_result"; ran == o.Skipped || o.Skipped && o.Body != nil {
			t.Errorf("%s: %+v", line, o)
		}
	}
}

// A line that says nothing about its row is as good as torn: nobody guesses
// that the row did not run.
func TestALineWithoutAResultIsNoOutcome(t *testing.T) {
	for _, line := range []string{`{}`, `{"custom_id":"a"}`, `{"custom_id":"a","result":null}`, `{"custom_id":"a","result":{}}`, `[]`, `null`, `{"custom_id":"a","result":{"ty`} {
		if o, err := parseLine([]byte(line)); err == nil || o.ID != "" {
			t.Errorf("%s: %+v", line, o)
		}
	}
}

// FuzzParseLine: a line is read the same whatever white space is around it, its
// body byte for byte, and an outcome with an error is never a success.
func FuzzParseLine(f *testing.F) {
	for _, line := range []string{
		`{"custom_id":"a","result":{"type":"succeeded","message":{"n":1.0,"s":"\ud83d\ude00<"}}}`,
		errored("rate_limit_error"), `{"custom_id":"a","result":{"type":"canceled"}}`, `{"custom_id":"a","result":{"type":"new","error":[1]}}`,
		`{"custom_id":"a","resu`, `null`, `[]`, ``,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		o, err := parseLine(line)
		padded, errPadded := parseLine([]byte(" \t" + string(line) + "\r"))
		if (err == nil) != (errPadded == nil) || err == nil && fmt.Sprint(o) != fmt.Sprint(padded) && o.Err == nil {
			t.Errorf("white space changes %+v into %+v", o, padded)
		}
		switch {
		case err != nil && (o.Err == nil || o.ID != ""):
			t.Errorf("an unreadable line is %+v", o)
		case err == nil && o.Err == nil && o.Status/100 != 2:
			t.Errorf("a success of status %d", o.Status)
		case err == nil && o.Err != nil && (o.Err.Class == 0 || o.Err.Code == ""):
			t.Errorf("an error without a class or a code: %+v", o.Err)
		case o.Skipped && (o.Err == nil || o.Status != 0):
			t.Errorf("a row that did not run is %+v", o)
		case len(o.Body) > 0 && (!json.Valid(o.Body) || !bytes.Contains(line, o.Body)):
			t.Errorf("the body %q is not in the line", o.Body)
		}
	})
}

// FuzzBatch: whatever a batch looks like, what is said of it makes sense.
func FuzzBatch(f *testing.F) {
	for _, body := range []string{
		`{"id":"b","processing_status":"ended","request_counts":{"processing":0,"succeeded":3,"errored":1,"canceled":2,"expired":1}}`,
		`{"id":7,"processing_status":null,"request_counts":[],"created_at":"yesterday"}`, `{"request_counts":{"succeeded":"12","expired":-3,"canceled":1e30}}`, `null`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var b batch
		if json.Unmarshal(body, &b) != nil {
			return
		}
		l := new(Client).listing(&b)
		if l.Rows < 0 || b.Counts.notRun() < 0 || b.Counts.done() > l.Rows || b.Counts.notRun() > b.Counts.done() || b.ended() && b.running() {
			t.Errorf("%s: %+v", body, b)
		}
	})
}
