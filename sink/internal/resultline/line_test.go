package resultline_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/balerhq/baler/internal/errorbody"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/resultline"
)

// lines are read with a grammar and codes such as a provider has them.
var lines = resultline.Reader{
	ReadError: func(effect retry.Effect, status int, header http.Header, body []byte) error {
		b := errorbody.Read(body)
		return retry.Reply{
			Status: status, Header: header, Code: b.Word(), Message: b.Message, Blocked: b.Word() == "insufficient_quota",
		}.Err(effect)
	},
	ClassOf: func(code string) retry.Class {
		switch code {
		case "batch_expired", "batch_cancelled", "request_timeout", "server_error":
			return retry.Retryable
		}
		return retry.Permanent
	},
}

func TestClassOfARow(t *testing.T) {
	for line, want := range map[string]retry.Class{
		`{"response":{"status_code":200,"body":{}}}`:                                                                                      0,
		`{"response":{"status_code":201,"body":{}},"error":null}`:                                                                         0,
		`{"response":{"status_code":400,"body":{"error":{"code":"c"}}}}`:                                                                  retry.Permanent,
		`{"response":{"status_code":404,"body":null}}`:                                                                                    retry.Permanent,
		`{"response":{"status_code":408}}`:                                                                                                retry.Retryable,
		`{"response":{"status_code":429,"body":{"error":{"code":"rate_limit_exceeded"}}}}`:                                                retry.Retryable,
		`{"response":{"status_code":429,"body":{"error":{"code":"insufficient_quota"}}}}`:                                                 retry.Blocked,
		`{"response":{"status_code":500,"body":"<html>"}}`:                                                                                retry.Retryable,
		`{"response":{"status_code":529}}`:                                                                                                retry.Retryable,
		`{"response":null,"error":{"code":"batch_expired","message":"m"}}`:                                                                retry.Retryable,
		`{"response":null,"error":{"code":"batch_cancelled","message":"m"}}`:                                                              retry.Retryable,
		`{"response":null,"error":{"code":"request_timeout","message":"m"}}`:                                                              retry.Retryable,
		`{"response":null,"error":{"code":"invalid","message":"m"}}`:                                                                      retry.Permanent,
		`{"response":{"status_code":429},"error":{"code":"too_many","message":"m"}}`:                                                      retry.Retryable,
		`{"response":{"status_code":503,"body":null},"error":{"code":"odd","message":"m"}}`:                                               retry.Retryable,
		`{"response":{"status_code":500},"error":"boom"}`:                                                                                 retry.Retryable,
		`{"response":{"status_code":429,"body":{"error":{"code":"insufficient_quota"}}},"error":{"code":"odd"}}`:                          retry.Blocked,
		`{"response":{"status_code":400},"error":{"code":"odd","message":"m"}}`:                                                           retry.Permanent,
		`{"response":{"status_code":200},"error":{"code":"odd","message":"m"}}`:                                                           retry.Permanent,
		`{"response":{"status_code":400},"error":{"code":"server_error","message":"m"}}`:                                                  retry.Retryable,
		`{"response":null,"error":null}`:                                                                                                  retry.Retryable,
		`{}`:                                                                                                                              retry.Retryable,
		`{"response":{"status_code":200,"body":{"object":"response","status":"completed"}}}`:                                              0,
		`{"response":{"status_code":200,"body":{"object":"response","status":"incomplete"}}}`:                                             0,
		`{"response":{"status_code":200,"body":{"object":"response","status":"failed","error":{"code":"server_error","message":"m"}}}}`:   retry.Retryable,
		`{"response":{"status_code":200,"body":{"object":"response","status":"failed","error":{"code":"invalid_prompt","message":"m"}}}}`: retry.Permanent,
		`{"response":{"status_code":200,"body":{"object":"response","status":"failed","error":null}}}`:                                    retry.Permanent,
		`{"response":{"status_code":200,"body":{"object":"chat.completion","status":"failed"}}}`:                                          0,
	} {
		o, err := lines.Parse([]byte(line))
		var got retry.Class
		if o.Err != nil {
			got = o.Err.Class
		}
		if err != nil || got != want {
			t.Errorf("%s is %s, want %s: %v", line, got, want, err)
		}
	}
}

// A row that was not run is not among those that the provider counts as
// succeeded, by whichever words it says so.
func TestRowsThatWereNotRunAreSkipped(t *testing.T) {
	for line, want := range map[string]bool{
		`{"response":null,"error":{"code":"batch_expired"}}`:      true,
		`{"response":null,"error":{"code":"batch_cancelled"}}`:    true,
		`{"response":null,"error":{"code":"request_timeout"}}`:    true,
		`{"response":{"status_code":0,"body":null},"error":null}`: true,
		`{"response":{"status_code":0,"body":{}}}`:                true,
		`{}`: true,
		`{"response":{"status_code":0,"body":{"choices":[]}}}`:         false,
		`{"response":{"status_code":200,"body":{"choices":[]}}}`:       false,
		`{"response":{"status_code":200,"body":null}}`:                 false,
		`{"response":{"status_code":500,"body":{"error":{}}}}`:         false,
		`{"response":{"status_code":429},"error":{"code":"too_many"}}`: false,
	} {
		if o, err := lines.Parse([]byte(line)); err != nil || o.Skipped != want {
			t.Errorf("%s: skipped %t, %v", line, o.Skipped, err)
		}
	}
}

// FuzzParse: a line is read the same whatever white space is around it, its
// body byte for byte, and an outcome with an error is never a success.
func FuzzParse(f *testing.F) {
	for _, line := range []string{
		`{"custom_id":"a","response":{"status_code":200,"body":{"n":1.0,"s":"\ud83d\ude00<"}},"error":null}`,
		`{"custom_id":"a","response":{"status_code":429,"body":{"error":{"code":"rate_limit_exceeded"}}}}`,
		`{"custom_id":"a","response":null,"error":{"code":"batch_expired","message":"m"}}`,
		`{"custom_id":"a","respon`, `null`, `[]`, ``,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		o, err := lines.Parse(line)
		padded, errPadded := lines.Parse([]byte(" \t" + string(line) + "\r"))
		if (err == nil) != (errPadded == nil) || err == nil && fmt.Sprint(o) != fmt.Sprint(padded) && o.Err == nil {
			t.Errorf("white space changes %+v into %+v", o, padded)
		}
		switch {
		case err != nil && (o.Err == nil || o.ID != "" || json.Valid(line) && bytes.HasPrefix(line, []byte("{}"))):
			t.Errorf("an unreadable line is %+v", o)
		case err == nil && o.Err == nil && o.Status/100 != 2:
			t.Errorf("a success of status %d", o.Status)
		case err == nil && o.Err != nil && o.Err.Class == 0:
			t.Errorf("an error without a class: %+v", o.Err)
		case len(o.Body) > 0 && (!json.Valid(o.Body) || !bytes.Contains(line, o.Body)):
			t.Errorf("the body %q is not in the line", o.Body)
		}
	})
}

// What is no answer is no success: it has a code and a class, and goes again if
// it never ran.
func TestWhatIsNoAnswerIsNoSuccess(t *testing.T) {
	for line, want := range map[string]sink.RowError{
		`{"custom_id":"a","response":{"status_code":0,"body":""},"error":null}`:                                          {Class: retry.Retryable, Code: "not_executed"},
		`{"custom_id":"a","response":{"status_code":0,"body":{}},"error":null}`:                                          {Class: retry.Retryable, Code: "not_executed"},
		`{"custom_id":"a","response":{"status_code":0},"error":null}`:                                                    {Class: retry.Retryable, Code: "not_executed"},
		`{"custom_id":"a","response":{"status_code":0,"body":null},"error":{"code":"batch_expired"}}`:                    {Class: retry.Retryable, Code: "batch_expired"},
		`{"custom_id":"a","response":null,"error":"boom"}`:                                                               {Class: retry.Permanent, Code: "error"},
		`{"custom_id":"a","response":null,"error":{"code":7,"message":"boom"}}`:                                          {Class: retry.Permanent, Code: "7"},
		`{"custom_id":"a","response":null,"error":{"code":null,"type":"server_error","message":"m"}}`:                    {Class: retry.Retryable, Code: "server_error"},
		`{"custom_id":"a","response":null,"error":["boom"]}`:                                                             {Class: retry.Permanent, Code: "error"},
		`{"custom_id":"a","response":{"status_code":200,"body":null}}`:                                                   {Class: retry.Permanent, Code: "no_answer"},
		`{"custom_id":"a","response":{"status_code":200,"body":""}}`:                                                     {Class: retry.Permanent, Code: "no_answer"},
		`{"custom_id":"a","response":{"status_code":200}}`:                                                               {Class: retry.Permanent, Code: "no_answer"},
		`{"custom_id":"a","response":{"status_code":200,"body":"<html>"}}`:                                               {Class: retry.Permanent, Code: "unreadable_reply"},
		`{"custom_id":"a","response":{"status_code":200,"body":{"error":{"code":"c","message":"m"}}}}`:                   {Class: retry.Permanent, Code: "c"},
		`{"custom_id":"a","response":{"status_code":200,"body":{"error":{"code":null,"type":"server_error"}}}}`:          {Class: retry.Retryable, Code: "server_error"},
		`{"custom_id":"a","response":{"status_code":200,"body":{"error":{"message":"m","type":"server_error"}}}}`:        {Class: retry.Retryable, Code: "server_error"},
		`{"custom_id":"a","response":{"status_code":200,"body":{"error":{"code":502,"message":"m"}}}}`:                   {Class: retry.Retryable, Code: "status_502"},
		`{"custom_id":"a","response":{"status_code":200,"body":{"error":"words"}}}`:                                      {Class: retry.Permanent, Code: "error"},
		`{"custom_id":"a","response":{"status_code":200,"body":{"object":"error","type":"server_error","message":"m"}}}`: {Class: retry.Retryable, Code: "server_error"},
		`{"custom_id":"a","response":{"status_code":500,"body":"<html>"}}`:                                               {Class: retry.Retryable, Code: "status_500"},
	} {
		o, err := lines.Parse([]byte(line))
		if err != nil || o.ID != "a" || o.Err == nil || o.Err.Class != want.Class || o.Err.Code != want.Code {
			t.Errorf("%s: %+v, %v", line, o.Err, err)
		}
	}
	for _, line := range []string{
		`{"response":{"body":{"choices":[{"message":{"content":"an answer, and no status"}}]}}}`,
		`{"response":{"status_code":200,"body":{"choices":[{}],"error":{"code":"a warning"}}}}`,
		`{"response":{"status_code":200,"body":{"object":"response","status":"completed","error":null}}}`,
	} {
		if o, err := lines.Parse([]byte(line)); err != nil || o.Err != nil || o.Status != 200 {
			t.Errorf("%s: %+v, %v", line, o, err)
		}
	}
}
