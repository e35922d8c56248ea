package openai_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

const (
	contentRoute = "GET /v1/files/{id}/content"
	batchRoute   = "GET /v1/batches/{id}"
)

// page is what proxies answer with while the provider is down.
func page(lines int) string {
	return "<html>\n" + strings.Repeat("<p>We will be back soon.</p>\n", lines-1)
}

// read returns the ids of all outcomes and the errors.
func read(t *testing.T, results func(func(sink.Outcome, error) bool)) (ids []string, errs []error) {
	t.Helper()
	for o, err := range results {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		ids = append(ids, o.ID)
	}
	return ids, errs
}

func TestAStatusOfAnotherBatchIsNone(t *testing.T) {
	server, c := simulate(t, simulator.Config{})
	h := buy(t, c, "tag", chat("a"))
	await(t, c, h, "completed")
	other := simulator.Fault{Route: batchRoute, Action: simulator.ActionMerge, Merge: json.RawMessage(`{"id":"batch_other","status":"failed"}`)}
	if err := server.SetFaults(other); err != nil { // once
		t.Fatal(err)
	}
	if s, err := c.Status(t.Context(), h); err != nil || s.Phase != "completed" {
		t.Errorf("%+v, %v", s, err)
	}
	other.Times = -1
	if err := server.SetFaults(other); err != nil {
		t.Fatal(err)
	}
	c = connect(t, server.URL, openai.Config{}) // which has not seen its end
	if s, err := c.Status(t.Context(), h); retry.ClassOf(err) != retry.Retryable {
		t.Errorf("%+v, %v", s, err)
	}
	if ids, errs := read(t, c.Results(t.Context(), h)); len(ids) > 0 || len(errs) != 1 || retry.ClassOf(errs[0]) != retry.Retryable {
		t.Errorf("%q, %v", ids, errs)
	}
}

// A body in which no line is a result judges no row.
func TestABodyThatIsNoResultFileIsReadAgain(t *testing.T) {
	for name, body := range map[string]string{
		"a line": page(1), "a page": page(63), "without an end": "<html>", "an error": `{"error":{"message":"m","code":null}}`,
		"a pretty error": "{\n  \"error\": {\n    \"code\": 503\n  }\n}\n", "another error": `{"message":"m"}`, "null": "null",
	} {
		for _, times := range []int{2, -1} {
			_, c := simulate(t, simulator.Config{Faults: []simulator.Fault{
				{Route: contentRoute, Action: simulator.ActionReplace, Body: body, Times: times},
			}})
			h := buy(t, c, "tag", chat("a"), chat("b"))
			await(t, c, h, "completed")
			ids, errs := read(t, c.Results(t.Context(), h))
			switch {
			case times > 0 && (len(ids) != 2 || len(errs) > 0):
				t.Errorf("%s, twice: rows %q, %v", name, ids, errs)
			case times < 0 && (len(ids) > 0 || len(errs) != 1 || retry.ClassOf(errs[0]) != retry.Retryable):
				t.Errorf("%s, always: rows %q, %v", name, ids, errs)
			}
		}
	}
}

func TestAByteOrderMarkIsSkipped(t *testing.T) {
	for name, prefix := range map[string]string{"a mark": "\xef\xbb\xbf", "a mark and a blank line": "\xef\xbb\xbf\r\n"} {
		_, c := simulate(t, simulator.Config{Faults: []simulator.Fault{
			{Route: contentRoute, Action: simulator.ActionPrepend, Body: prefix, Times: -1},
		}})
		h := buy(t, c, "tag", chat("a"), chat("b"))
		await(t, c, h, "completed")
		if got := outcomes(t, c, h); len(got) != 2 || got[rowID(0)].Err != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A line before the rows takes nothing away from them.
func TestRowsBehindForeignTextAreRows(t *testing.T) {
	_, c := simulate(t, simulator.Config{Faults: []simulator.Fault{
		{Route: contentRoute, Action: simulator.ActionPrepend, Body: page(3), Times: -1},
	}})
	h := buy(t, c, "tag", chat("a"), chat("b"))
	await(t, c, h, "completed")
	ids, errs := read(t, c.Results(t.Context(), h))
	slices.Sort(ids)
	if want := []string{"", "", "", rowID(0), rowID(1)}; !slices.Equal(ids, want) || len(errs) > 0 {
		t.Errorf("rows %q, %v", ids, errs)
	}
}

// What ends within a line has one row less, and no unreadable one.
func TestALastLineThatIsTornIsNobodys(t *testing.T) {
	_, c := simulate(t, simulator.Config{Faults: []simulator.Fault{
		{Route: contentRoute, Action: simulator.ActionCut, Bytes: 900, Times: -1},
	}})
	h := buy(t, c, "tag", chat("a"), chat("b"), chat("c"))
	await(t, c, h, "completed")
	ids, errs := read(t, c.Results(t.Context(), h))
	if len(errs) > 0 || len(ids) == 0 || len(ids) > 2 || slices.Contains(ids, "") {
		t.Errorf("rows %q, %v", ids, errs)
	}
}

func TestABrokenDownloadAsksForTheRest(t *testing.T) {
	bodies := make([]string, 26)
	for i := range bodies {
		bodies[i] = chat(rowID(i))
	}
	server, c := simulate(t, simulator.Config{Faults: []simulator.Fault{
		{Route: contentRoute, Action: simulator.ActionTruncate, Times: 2},
	}})
	h := buy(t, c, "tag", bodies...)
	await(t, c, h, "completed")
	if ids, errs := read(t, c.Results(t.Context(), h)); len(ids) != len(bodies) || len(errs) > 0 {
		t.Errorf("%d rows, %v", len(ids), errs)
	}
	if asked, want := ranges(t, server), []string{"200 false", "206 true", "206 true"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}

// ranges are the requests for content, each with its status and whether it asks
// for a part of the file that it began with.
func ranges(t *testing.T, server *simulator.Server) (asked []string) {
	t.Helper()
	for r, err := range server.Requests() {
		if err != nil {
			t.Fatal(err)
		}
		if r.Route == contentRoute {
			asked = append(asked, fmt.Sprint(r.Status, " ", r.Header["Range"] != "" && r.Header["If-Range"] != ""))
		}
	}
	return asked
}

// files serves a completed batch whose output is what content answers.
func files(t *testing.T, counts string, content http.HandlerFunc) func(func(sink.Outcome, error) bool) {
	t.Helper()
	c := handle(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/batches/b":
			_, _ = fmt.Fprintf(w, `{"id":"b","status":"completed","output_file_id":"out","error_file_id":"err","request_counts":%s}`, counts)
		case "/v1/files/err/content":
			_, _ = w.Write([]byte(`{"custom_id":"z","response":{"status_code":400,"body":{"error":{"code":"c"}}}}` + "\n"))
		default:
			content(w, r)
		}
	})
	return c.Results(t.Context(), one)
}

// A server that knows no ranges, or has another file by then, sends the file
// from its start, and may have sorted it anew.
func TestRowsOfAnotherDownloadAreKnownByTheirIDs(t *testing.T) {
	part := result("a", "1") + "\n" + result("b", "2") + "\n"
	whole := result("c", "3") + "\n" + result("a", "1") + "\n" + result("a", "1") + "\n" + result("b", "2") + "\n"
	for name, again := range map[string]http.HandlerFunc{
		"no ranges": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(whole)) },
		"other range": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 0-9/9")
			w.WriteHeader(206)
			_, _ = w.Write([]byte(whole))
		},
		"no such range": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return
			}
			_, _ = w.Write([]byte(whole))
		},
	} {
		reads := 0
		ids, errs := read(t, files(t, `{"total":4,"completed":3,"failed":1}`, func(w http.ResponseWriter, r *http.Request) {
			if reads++; reads > 1 {
				again(w, r)
				return
			}
			w.Header().Set("ETag", `"1"`)
			w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
			_, _ = w.Write([]byte(part))
		}))
		slices.Sort(ids)
		if want := []string{"a", "a", "b", "c", "z"}; !slices.Equal(ids, want) || len(errs) > 0 {
			t.Errorf("%s: rows %q, %v", name, ids, errs)
		}
	}
}

// An output file that is gone takes nothing away from the error file. One that
// can be read later may have a success of a row that is in the error file, too.
func TestTheErrorFileIsReadIfTheOutputFileIsGone(t *testing.T) {
	for status, want := range map[int]retry.Class{404: retry.Permanent, 410: retry.Permanent, 503: retry.Retryable, 429: retry.Retryable} {
		ids, errs := read(t, files(t, `null`, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		var rows []string
		if want == retry.Permanent {
			rows = []string{"z"}
		}
		if !slices.Equal(ids, rows) || len(errs) != 1 || retry.ClassOf(errs[0]) != want {
			t.Errorf("%d: rows %q, %v", status, ids, errs)
		}
	}
}

// Fewer lines in both files than the counts say: they are read once more.
func TestAnErrorFileThatIsShortIsReadAgain(t *testing.T) {
	server, c := simulate(t, simulator.Config{Faults: []simulator.Fault{
		{Route: contentRoute, Action: simulator.ActionReplace, Body: ""},
	}})
	h := buy(t, c, "tag", chat("[[400]]"), chat("[[500]]"))
	await(t, c, h, "completed")
	if ids, errs := read(t, c.Results(t.Context(), h)); len(ids) != 2 || len(errs) > 0 {
		t.Errorf("rows %q, %v", ids, errs)
	}
	if n := requests(t, server, contentRoute); n != 2 {
		t.Errorf("%d downloads", n)
	}
}
