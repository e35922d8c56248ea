package mistral_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/mistral"
)

// read returns the status that a job has.
func read(t *testing.T, job string) sink.Status {
	t.Helper()
	c := handle(t, says(map[string]string{"/v1/batch/jobs/b1": job}), mistral.Config{})
	s, err := c.Status(t.Context(), one)
	if err != nil {
		t.Errorf("%s: %v", job, err)
	}
	return s
}

func TestEveryStateIsRead(t *testing.T) {
	const counts = `"total_requests":5,"completed_requests":3,"succeeded_requests":2,"failed_requests":1`
	for state, want := range map[string]sink.Status{
		"QUEUED":                 {Phase: "queued"},
		"RUNNING":                {Phase: "running", Accepted: true},
		"running":                {Phase: "running", Accepted: true},
		"SUCCESS":                {Phase: "success", Accepted: true, Ended: true, NotRun: 2},
		"TIMEOUT_EXCEEDED":       {Phase: "timeout_exceeded", Accepted: true, Ended: true, NotRun: 2},
		"CANCELLATION_REQUESTED": {Phase: "cancellation_requested"},
		"CANCELLED":              {Phase: "cancelled", Ended: true, NotRun: 2},
		"PAUSED":                 {Phase: "paused", Unknown: true},
	} {
		want.Total, want.Succeeded, want.Failed = 5, 2, 1
		want.Accepted = want.Accepted || state != "" // as rows have run
		got := read(t, `{"id":"b1","status":"`+state+`","errors":[],`+counts+`}`)
		if got.Age = 0; got != want {
			t.Errorf("%s: %+v, want %+v", state, got, want)
		}
	}
	if s := read(t, `{"id":"b1","status":"QUEUED","total_requests":5}`); s.Accepted || s.Ended || s.Unknown || s.Total != 5 {
		t.Errorf("%+v", s)
	}
}

// What is null, missing or of another type says nothing, and hides nothing.
func TestAJobIsReadAsFarAsItCanBe(t *testing.T) {
	for _, job := range []string{
		`{"id":"b1","status":"SUCCESS","output_file":null,"error_file":null,"errors":null,"metadata":null,"created_at":null,"total_requests":3,"succeeded_requests":3,"completed_requests":null}`,
		`{"id":"b1","status":"Success","input_files":"f1","created_at":"2026-11-20T00:00:00Z","total_requests":"3","succeeded_requests":3.0,"errors":"none","metadata":[1]}`,
		`{"status":"SUCCESS","total_requests":3,"succeeded_requests":3,"started_at":{},"more":1}`,
	} {
		if s := read(t, job); !s.Ended || s.Err != nil || s.Total != 3 || s.Succeeded != 3 || s.NotRun != 0 {
			t.Errorf("%s: %+v", job, s)
		}
	}
	c := handle(t, says(map[string]string{"/v1/batch/jobs/b1": `{"id":"b2","status":"FAILED"}`}), mistral.Config{})
	if _, err := c.Status(t.Context(), one); retry.ClassOf(err) != retry.Retryable {
		t.Errorf("a reply about another batch: %v", err)
	}
}

func TestRowsThatNeverRanAreCounted(t *testing.T) {
	for job, want := range map[string]int{
		`"status":"RUNNING","total_requests":9`:                                                                      0,
		`"status":"SUCCESS","total_requests":9`:                                                                      0, // the counts are late
		`"status":"SUCCESS","total_requests":9,"succeeded_requests":8,"failed_requests":1`:                           0,
		`"status":"SUCCESS","total_requests":9,"completed_requests":9`:                                               0,
		`"status":"CANCELLED","total_requests":9,"succeeded_requests":4,"completed_requests":5`:                      4,
		`"status":"CANCELLED","total_requests":9`:                                                                    9,
		`"status":"CANCELLED","total_requests":0`:                                                                    math.MaxInt,
		`"status":"CANCELLED"`:                                                                                       0, // it does not say
		`"status":"TIMEOUT_EXCEEDED","total_requests":9,"succeeded_requests":4,"failed_requests":-1`:                 6,
		`"status":"FAILED","total_requests":9,"failed_requests":9,"completed_requests":9`:                            math.MaxInt,
		`"status":"FAILED","total_requests":9,"failed_requests":3,"succeeded_requests":2,"output_file":"f"`:          4,
		`"status":"CANCELLED","total_requests":1,"succeeded_requests":1000,"failed_requests":99999999999999999999e9`: 0,
	} {
		if s := read(t, `{"id":"b1",`+job+`}`); s.NotRun != want {
			t.Errorf("%s: %d never ran, want %d", job, s.NotRun, want)
		}
	}
}

// A job that failed and has no answers was refused, for what its words say.
func TestWhyAJobWasRefused(t *testing.T) {
	for errs, want := range map[string]struct {
		class retry.Class
		cause error
	}{
		`[{"message":"Invalid JSON on line 3","count":1}]`:                           {retry.Permanent, nil},
		`[{"message":"Model mistral-tiny does not exist","count":9}]`:                {retry.Permanent, nil},
		`[{"message":"File f1 not found"}]`:                                          {retry.Retryable, sink.ErrFileGone},
		`[{"message":"File f2 not found"}]`:                                          {retry.Retryable, sink.ErrFileGone},
		`[{"message":"The file is too large"}]`:                                      {retry.Permanent, sink.ErrTooLarge},
		`[{"message":"Maximum number of pending requests exceeded for workspace"}]`:  {retry.Retryable, sink.ErrFull},
		`[{"message":"Your monthly limit is reached, please update billing"}]`:       {retry.Blocked, nil},
		`[{"message":"Workspace is suspended"}]`:                                     {retry.Blocked, nil},
		`[{"message":"Payment required"}]`:                                           {retry.Blocked, nil},
		`[{"message":"You have insufficient credits"}]`:                              {retry.Blocked, nil},
		`[{"message":"Invalid field 'credits' of tool payment_subscription"}]`:       {retry.Permanent, nil},
		`[{"message":"Invalid JSON: \"please update billing, account suspended\""}]`: {retry.Permanent, nil},
		`[{"message":"Model billing-classifier does not exist"}]`:                    {retry.Permanent, nil},
		`[{"message":"Tool execution was suspended"}]`:                               {retry.Retryable, nil},
		`[{"message":"Internal error while processing"}]`:                            {retry.Retryable, nil},
		`[]`:                     {retry.Retryable, nil},
		`null`:                   {retry.Retryable, nil},
		`"Unknown failure"`:      {retry.Retryable, nil},
		`{"message":"Hm."}`:      {retry.Retryable, nil},
		`["a",{"message":null}]`: {retry.Retryable, nil},
	} {
		s := read(t, `{"id":"b1","status":"FAILED","input_files":["f1"],"errors":`+errs+`}`)
		if s.Err == nil || s.Err.Class != want.class || !errors.Is(s.Err, want.cause) && want.cause != nil || s.Err.Cause != nil && want.cause == nil || s.Err.Code == "" || s.Err.Message == "" {
			t.Errorf("%s: %+v", errs, s.Err)
		}
		if s.NotRun < 1<<40 || s.Accepted {
			t.Errorf("%s: %+v", errs, s)
		}
	}
	c := handle(t, says(map[string]string{
		"/v1/batch/jobs/b1": `{"id":"b1","status":"FAILED","input_files":["f1"],"errors":[{"message":"File not found"}]}`, "/v1/files/f1": `{"id":"f1"}`,
	}), mistral.Config{})
	if s, err := c.Status(t.Context(), one); err != nil || !errors.Is(s.Err, sink.ErrNotYet) {
		t.Errorf("a file that is there is only late: %+v, %v", s.Err, err)
	}
	if s := read(t, `{"id":"b1","status":"FAILED","succeeded_requests":2,"output_file":"f","errors":[{"message":"Invalid"}]}`); s.Err != nil || !s.Accepted {
		t.Errorf("a batch with answers was not refused: %+v", s)
	}
	for _, ran := range []string{`"succeeded_requests":2,"output_file":"f"`, `"succeeded_requests":2`, `"error_file":"e"`} {
		s := read(t, `{"id":"b1","status":"FAILED",`+ran+`,"errors":[{"message":"Payment required"}]}`)
		if s.Err != nil || !s.Accepted { // its rows would be bought again
			t.Errorf("a batch with answers was not refused, even if the account is blocked by now: %+v", s)
		}
	}
}

func TestReasonsAreCountedAndPrintable(t *testing.T) {
	s := read(t, `{"id":"b1","status":"FAILED\n","errors":[]}`)
	if !s.Unknown || s.Phase != "failed " && strings.ContainsAny(s.Phase, "\n") {
		t.Errorf("%+v", s)
	}
	s = read(t, `{"id":"b1","status":"FAILED","errors":[{"message":"a\u001b[31m","count":7},{"message":"b","count":1},{"message":"c"},{"message":"d"}]}`)
	if s.Err == nil || s.Err.Message != `a\x1b[31m (7 times); b; c` {
		t.Errorf("%+v", s.Err)
	}
}

// What the reply to a creation means.
func TestWhyACreationFailed(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		class  retry.Class
		cause  error
	}{
		"no reply to speak of":  {500, `<html>`, retry.Ambiguous, nil},
		"a conflict":            {409, `{}`, retry.Ambiguous, nil},
		"the key":               {401, `{"detail":"Unauthorized"}`, retry.Blocked, nil},
		"a rate":                {429, `{"object":"error","message":"Requests rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}`, retry.Retryable, nil},
		"too much pending":      {429, `{"object":"error","message":"Maximum of 1000000 pending requests reached","code":"x"}`, retry.Retryable, sink.ErrFull},
		"too much pending, 422": {422, `{"detail":[{"loc":["body"],"msg":"Too many ongoing batch jobs for this workspace: limit exceeded","type":"value_error"}]}`, retry.Retryable, sink.ErrFull},
		"too large":             {413, `<html>`, retry.Permanent, sink.ErrTooLarge},
		"too many rows":         {422, `{"detail":[{"loc":["body","requests"],"msg":"List should have at most 10000 items after validation, not 10001","type":"too_long"}]}`, retry.Permanent, sink.ErrTooLarge},
		"a bad field":           {422, `{"detail":[{"loc":["body","timeout_hours"],"msg":"Input should be less than or equal to 168","type":"less_than_equal"}]}`, retry.Permanent, nil},
		"no such file":          {404, `{"object":"error","message":"File gone not found","type":"not_found"}`, retry.Retryable, sink.ErrFileGone},
		"a file that is late":   {422, `{"object":"error","message":"File there is not ready"}`, retry.Retryable, sink.ErrNotYet},
		"a proxy":               {404, `<html>`, retry.Retryable, sink.ErrNotYet},
		"a bad model":           {400, `{"object":"error","message":"Invalid model: m","type":"invalid_model","code":"1500"}`, retry.Permanent, nil},
		"no name":               {200, `{}`, retry.Ambiguous, nil},
	} {
		c := handle(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodPost:
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			case r.URL.Path != "/v1/files/there":
				w.WriteHeader(http.StatusNotFound)
			}
		}, mistral.Config{})
		file := "there"
		if errors.Is(test.cause, sink.ErrFileGone) {
			file = "gone"
		}
		_, err := c.Create(t.Context(), spec("tag"), file, nil)
		known := false
		for _, cause := range []error{sink.ErrFull, sink.ErrTooLarge, sink.ErrFileGone, sink.ErrNotYet} {
			known = known || errors.Is(err, cause) && !errors.Is(test.cause, cause)
		}
		if retry.ClassOf(err) != test.class || test.cause != nil && !errors.Is(err, test.cause) || known {
			t.Errorf("%s: %s, %v", name, retry.ClassOf(err), err)
		}
	}
}

// A batch that has ended cannot be cancelled, in whatever words that is said.
func TestCancellingWhatHasEndedIsNoError(t *testing.T) {
	for _, status := range []int{400, 409, 422} {
		for state, ok := range map[string]bool{"SUCCESS": true, "RUNNING": false} {
			c := handle(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					w.WriteHeader(status)
				}
				_, _ = fmt.Fprintf(w, `{"id":"b1","status":%q}`, state)
			}, mistral.Config{})
			if err := c.Cancel(t.Context(), one); (err == nil) != ok {
				t.Errorf("%d of a batch that is %s: %v", status, state, err)
			}
		}
	}
}

// FuzzJob: whatever a server says of a job, it is read or refused, and what it
// says is printable.
func FuzzJob(f *testing.F) {
	for _, job := range []string{
		`{"id":"b1","status":"FAILED","errors":[{"message":"m","count":2}],"total_requests":3}`,
		`{"id":7,"status":null,"created_at":"soon","metadata":"{\"baler_tag\":\"t\"}","total_requests":"x"}`, `[]`, `null`, `{`,
	} {
		f.Add(job)
	}
	f.Fuzz(func(t *testing.T, job string) {
		c, err := mistral.New("k", mistral.Config{Retry: retry.Policy{MaxAttempts: 1}, Transport: text(job)})
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Status(t.Context(), one)
		if err != nil {
			return
		}
		if s.Total < 0 || s.Succeeded < 0 || s.Failed < 0 || s.NotRun < 0 || s.Ended && s.Unknown || strings.ContainsAny(s.Phase, "\n\x1b") {
			t.Errorf("%s: %+v", job, s)
		}
		if s.Err != nil && (s.Err.Class == 0 || s.Err.Code == "" || strings.ContainsAny(s.Err.Message, "\n\x1b")) {
			t.Errorf("%s: %+v", job, s.Err)
		}
	})
}

// text is a transport that answers every call with a text.
type text string

func (s text) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(s))), Request: r}, nil
}
