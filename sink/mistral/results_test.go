package mistral_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/mistral"
)

func good(id string) string {
	return `{"id":"batch-1","custom_id":"` + id + `","response":{"status_code":200,"body":{"choices":[]}},"error":null}`
}

func bad(id string) string {
	return `{"id":"batch-1","custom_id":"` + id + `","response":{"status_code":422,"body":{"detail":[{"loc":["body"],"msg":"m","type":"t"}]}},"error":null}`
}

// results are the ids in the order in which they come, with the codes of their
// errors, and the error at the end.
func results(t *testing.T, c *mistral.Client) (got []string, last error) {
	t.Helper()
	for o, err := range c.Results(t.Context(), one) {
		if err != nil {
			last = err
			continue
		}
		id := o.ID
		if o.Err != nil {
			id += " " + o.Err.Code
		}
		got = append(got, id)
	}
	return got, last
}

func TestResultsOfFilesAndOfJobs(t *testing.T) {
	const job = `{"id":"b1","status":"SUCCESS","total_requests":3,"succeeded_requests":2,"failed_requests":1`
	for name, replies := range map[string]map[string]string{
		"files": {
			"/v1/batch/jobs/b1":     job + `,"output_file":"out","error_file":"err"}`,
			"/v1/files/out/content": good("a") + "\r\n" + good("c"), "/v1/files/err/content": bad("b") + "\n",
		},
		"one file": {
			"/v1/batch/jobs/b1":     job + `,"output_file":"out"}`,
			"/v1/files/out/content": good("a") + "\n" + good("c") + "\n" + bad("b"),
		},
		"inline": {"/v1/batch/jobs/b1": job + `,"outputs":[` + bad("b") + `, ` + good("a") + ",\n" + good("c") + `]}`},
	} {
		c := handle(t, says(replies), mistral.Config{})
		if got, err := results(t, c); err != nil || !slices.Equal(got, []string{"a", "c", "b t"}) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Results that have not come yet are neither rows that failed nor the end.
func TestLateResultsAreNoRows(t *testing.T) {
	for job, replies := range map[string]map[string]string{
		`,"output_file":"out"}`:                                {},
		`,"output_file":"out","error_file":null,"outputs":[]}`: {"/v1/files/out/content": "<html>\n<p>\n"},
		`,"error_file":"err"}`:                                 {"/v1/files/err/content": `{"detail":"Not found"}`},
	} {
		replies["/v1/batch/jobs/b1"] = `{"id":"b1","status":"SUCCESS","total_requests":1,"succeeded_requests":1` + job
		c := handle(t, says(replies), mistral.Config{})
		got, err := results(t, c)
		if len(got) > 0 || err == nil {
			t.Errorf("%s: %q, %v", job, got, err)
		}
	}
	for _, outputs := range []string{`null`, `[]`} {
		c := handle(t, says(map[string]string{"/v1/batch/jobs/b1": `{"id":"b1","status":"SUCCESS","total_requests":1,"succeeded_requests":1,"outputs":` + outputs + `}`}), mistral.Config{})
		if got, err := results(t, c); len(got) > 0 || err != nil {
			t.Errorf("%s: %q, %v", outputs, got, err)
		}
	}
	c := handle(t, says(map[string]string{"/v1/batch/jobs/b1": `{"id":"b1","status":"RUNNING"}`}), mistral.Config{})
	if got, err := results(t, c); len(got) > 0 || !errors.Is(err, sink.ErrNotEnded) || retry.ClassOf(err) != retry.Retryable {
		t.Errorf("%q, %v", got, err)
	}
}

// A job that is cut off in its results is asked for again.
func TestInlineResultsThatBreakOffAreReadAgain(t *testing.T) {
	calls := 0
	whole := `{"id":"b1","status":"SUCCESS","total_requests":2,"succeeded_requests":2,"outputs":[` + good("a") + `,` + good("b") + `]}`
	c := handle(t, func(w http.ResponseWriter, r *http.Request) {
		reply := whole
		if r.URL.RawQuery == "inline=true" {
			if calls++; calls == 1 {
				reply = whole[:len(whole)-20]
			}
		}
		_, _ = io.WriteString(w, reply)
	}, mistral.Config{})
	if got, err := results(t, c); err != nil || !slices.Equal(got, []string{"a", "b"}) || calls != 2 {
		t.Errorf("%q in %d calls, %v", got, calls, err)
	}
}

// Below a job that has no route for it, what is to be deleted is gone already.
func TestRemoveDeletesTheBatchLast(t *testing.T) {
	var deleted []string
	c := handle(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			if deleted = append(deleted, strings.TrimPrefix(r.URL.Path, "/v1/")); strings.Contains(r.URL.Path, "jobs") {
				w.WriteHeader(http.StatusMethodNotAllowed)
			}
			return
		}
		_, _ = io.WriteString(w, `{"id":"b1","status":"CANCELLED","input_files":["in","more"],"output_file":"out","error_file":"err"}`)
	}, mistral.Config{})
	if err := c.Remove(t.Context(), sink.Handle{Batch: "b1", File: "in"}); err != nil {
		t.Error(err)
	}
	slices.Sort(deleted[:len(deleted)-1])
	if want := []string{"files/err", "files/in", "files/more", "files/out", "batch/jobs/b1"}; !slices.Equal(deleted, want) {
		t.Errorf("%q, want %q", deleted, want)
	}
	running := handle(t, says(map[string]string{"/v1/batch/jobs/b1": `{"id":"b1","status":"RUNNING"}`}), mistral.Config{})
	if err := running.Remove(t.Context(), one); !errors.Is(err, sink.ErrNotEnded) || retry.ClassOf(err) != retry.Permanent {
		t.Error(err)
	}
}

func TestInlineBatchesAreSentWithTheCreation(t *testing.T) {
	var uploads, creations int
	c := handle(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "GET /v1/files":
			_, _ = io.WriteString(w, `{"data":[]}`)
		case "POST /v1/files":
			uploads++
			_, _ = io.WriteString(w, `{"id":"f"}`)
		default:
			creations++
			body, _ := io.ReadAll(r.Body)
			if !strings.Contains(string(body), `"agent_id":"ag:1"`) || strings.Contains(string(body), `"model"`) {
				t.Errorf("%s", body)
			}
			_, _ = io.WriteString(w, `{"id":"b"}`)
		}
	}, mistral.Config{InlineRows: 2, Agent: "ag:1"})
	for n, want := range map[int]string{2: "", 3: "f"} {
		r := rows([]string{`{"n":1}`, `{"n":2}`, `{"n":3}`}[:n]...)
		file, err := c.Upload(t.Context(), spec("tag"), r)
		if file != want || err != nil {
			t.Errorf("%d rows are in %q, %v", n, file, err)
		}
		if _, err := c.Create(t.Context(), spec("tag"), file, r); err != nil {
			t.Error(err)
		}
	}
	if uploads != 1 || creations != 2 {
		t.Errorf("%d uploads, %d creations", uploads, creations)
	}
}

// Only its results can tell whether an inline job was refused, or ran in vain.
func TestAnInlineJobWhoseRowsAllFailedHasRun(t *testing.T) {
	const job = `{"id":"b1","status":"FAILED","input_files":[],"total_requests":2,"completed_requests":2,"failed_requests":2,"errors":[{"message":"m","count":2}]`
	inline := func(reply string) *mistral.Client {
		return handle(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery != "inline=true" {
				_, _ = io.WriteString(w, job+`}`)
				return
			}
			_, _ = io.WriteString(w, reply)
		}, mistral.Config{})
	}
	for outputs, ran := range map[string]bool{
		`}`: false, `,"outputs":null}`: false, `,"outputs":[ ]}`: false, `,"outputs":[` + "\n" + bad("a") + `,` + bad("b") + `]}`: true,
	} {
		c := inline(job + outputs)
		s, err := c.Status(t.Context(), one)
		if err != nil || s.Accepted != ran || (s.Err == nil) != ran || (s.NotRun == 0) != ran {
			t.Errorf("%s: %+v, %v", outputs, s, err)
		}
		got, err := results(t, c)
		if want := []string{"a t", "b t"}; err != nil || ran && !slices.Equal(got, want) || !ran && len(got) > 0 {
			t.Errorf("%s: %q, %v", outputs, got, err)
		}
	}
	for _, reply := range []string{job + `,"outputs":[`, "<html>"} {
		if s, err := inline(reply).Status(t.Context(), one); retry.ClassOf(err) != retry.Retryable {
			t.Errorf("%s says nothing: %+v, %v", reply, s, err)
		}
	}
}

// A failure in the error file does not come before the success of the same row
// in an output file that is late.
func TestNoFailureComesBeforeALateSuccess(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusServiceUnavailable} {
		late := true
		replies := says(map[string]string{
			"/v1/batch/jobs/b1":     `{"id":"b1","status":"SUCCESS","total_requests":1,"succeeded_requests":1,"output_file":"out","error_file":"err"}`,
			"/v1/files/out/content": good("a"), "/v1/files/err/content": bad("a"),
		})
		c := handle(t, func(w http.ResponseWriter, r *http.Request) {
			if late && strings.Contains(r.URL.Path, "/out/") {
				w.WriteHeader(status)
				return
			}
			replies(w, r)
		}, mistral.Config{})
		if got, err := results(t, c); len(got) > 0 || err == nil {
			t.Errorf("%d: %q, %v", status, got, err)
		}
		late = false
		if got, err := results(t, c); err != nil || len(got) == 0 || got[0] != "a" {
			t.Errorf("%d: %q, %v", status, got, err)
		}
	}
}

func TestACodeThatIsANumberIsNamed(t *testing.T) {
	c := handle(t, says(map[string]string{
		"/v1/batch/jobs/b1":     `{"id":"b1","status":"SUCCESS","total_requests":2,"failed_requests":2,"error_file":"err"}`,
		"/v1/files/err/content": `{"custom_id":"a","response":null,"error":{"code":1300,"message":"m"}}` + "\n" + `{"custom_id":"b","response":{"status_code":422,"body":{"code":"3051"}}}`,
	}), mistral.Config{})
	if got, err := results(t, c); err != nil || !slices.Equal(got, []string{"a mistral_1300", "b mistral_3051"}) {
		t.Errorf("%q, %v", got, err)
	}
}
