package mistral_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/mistral"
)

// shelf is a server with a list of jobs, newest first.
type shelf struct {
	jobs     []string // as JSON
	filter   string   // "json", "ignored", "misread" or "refused"
	untotal  bool     // it does not say how many there are
	removing bool     // a job goes with each page
	emptied  bool     // all jobs go with the first page
	pages    int
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.pages++
	q := r.URL.Query()
	jobs := s.jobs
	if filter := q.Get("metadata"); filter != "" {
		switch s.filter {
		case "refused":
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		case "misread":
			jobs = nil
		case "json":
			jobs = slices.DeleteFunc(slices.Clone(jobs), func(j string) bool { return !strings.Contains(j, strings.Trim(filter, "{}")) })
		}
	}
	page, _ := strconv.Atoi(q.Get("page"))
	size, _ := strconv.Atoi(q.Get("page_size"))
	begin, end := min(page*size, len(jobs)), min((page+1)*size, len(jobs))
	total := fmt.Sprintf(`,"total":%d`, len(jobs))
	if s.untotal {
		total = ""
	}
	_, _ = io.WriteString(w, `{"object":"list","data":[`+strings.Join(jobs[begin:end], ",")+`]`+total+`}`)
	if s.removing {
		s.jobs = s.jobs[1:]
	}
	if s.emptied {
		s.jobs = nil
	}
}

// A list that changed and can be read the next time has changed no more, even
// if it has become empty.
func TestAListThatIsReadAgainIsClear(t *testing.T) {
	s := &shelf{jobs: jobs(250), filter: "ignored", emptied: true}
	if found, err := s.client(t).Find(t.Context(), "tag", time.Time{}); len(found) > 0 || err != nil {
		t.Errorf("%q, %v", found, err)
	}
}

func (s *shelf) client(t *testing.T) *mistral.Client {
	t.Helper()
	return handle(t, s.ServeHTTP, mistral.Config{})
}

// jobs are n of others, newest first, the last of them an hour old.
func jobs(n int) (all []string) {
	now := time.Now()
	for i := range n {
		all = append(all, fmt.Sprintf(`{"id":"o%d","metadata":{"by":"them"},"created_at":%d}`, i, now.Add(-time.Hour*time.Duration(i)/time.Duration(n)).Unix()))
	}
	return all
}

const ours = `{"id":"ours","metadata":{"baler_tag":"tag"},"created_at":1,"total_requests":3,"input_files":["f1"],"status":"SUCCESS"}`

func TestFindTrustsNoFilter(t *testing.T) {
	for filter, pages := range map[string]int{"json": 1, "ignored": 3, "misread": 4, "refused": 4} {
		for _, untotal := range []bool{false, true} {
			s := &shelf{jobs: append(jobs(250), ours), filter: filter, untotal: untotal}
			found, err := s.client(t).Find(t.Context(), "tag", time.Time{})
			if err != nil || !slices.Equal(found, []string{"ours"}) || s.pages != pages {
				t.Errorf("%s: %q on %d pages, %v", filter, found, s.pages, err)
			}
			if found, err := s.client(t).Find(t.Context(), "another", time.Time{}); len(found) > 0 || err != nil {
				t.Errorf("%s: %q, %v", filter, found, err)
			}
		}
	}
}

func TestFindReadsBackToItsTime(t *testing.T) {
	s := &shelf{jobs: append(jobs(400), ours), filter: "misread"}
	if found, err := s.client(t).Find(t.Context(), "tag", time.Now().Add(-20*time.Minute)); len(found) > 0 || err != nil || s.pages != 3 {
		t.Errorf("%q on %d pages, %v", found, s.pages, err)
	}
}

// What goes from a list while it is read may hide what is wanted.
func TestAListThatShrinksIsUnclear(t *testing.T) {
	s := &shelf{jobs: append(jobs(250), ours), filter: "ignored", removing: true}
	if found, err := s.client(t).Find(t.Context(), "another", time.Time{}); len(found) > 0 || retry.ClassOf(err) != retry.Retryable {
		t.Errorf("%q, %v", found, err)
	}
	short := &shelf{jobs: jobs(3)}
	for _, reply := range []string{
		`{}`, `[]`, `{"data":null}`, `{"data":{}}`, `null`, `{"data":[],"total":7}`, `{"error":{"message":"m"}}`, `<html>`,
	} {
		c := handle(t, says(map[string]string{"/v1/batch/jobs": reply}), mistral.Config{})
		if found, err := c.Find(t.Context(), "tag", time.Time{}); err == nil {
			t.Errorf("%s is %q", reply, found)
		}
		for _, err := range c.Files(t.Context()) {
			if err == nil {
				t.Errorf("%s is a list of files", reply)
			}
		}
	}
	short.jobs = append(short.jobs, `{"metadata":{"baler_tag":"tag"}}`)
	if found, err := short.client(t).Find(t.Context(), "tag", time.Time{}); err == nil {
		t.Errorf("a batch without an id is %q", found)
	}
}

// What others have written hides nothing.
func TestListIsReadAsFarAsItCanBe(t *testing.T) {
	s := &shelf{jobs: []string{
		`{"id":"a","metadata":"text","created_at":"2026-11-20T00:00:00Z"}`, `7`, `null`, `{"id":9,"metadata":{"baler_tag":7},"status":["x"]}`, `{}`, ours, ours,
	}}
	var got []sink.Listing
	for l, err := range s.client(t).List(t.Context(), time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, l)
	}
	if len(got) != 3 || got[0].Batch != "a" || got[1].Batch != "9" || got[0].Tag+got[1].Tag != "" {
		t.Fatalf("%+v", got)
	}
	if l := got[2]; l.Batch != "ours" || l.Tag != "tag" || l.Rows != 3 || !l.Ended || l.File != "f1" || l.Created.Unix() != 1 {
		t.Errorf("%+v", l)
	}
}

func TestFilesAreThoseThatWereUploaded(t *testing.T) {
	c := handle(t, says(map[string]string{"/v1/files": `{"data":[
		{"id":"f1","filename":"tag.jsonl","bytes":7,"created_at":1763600000,"sample_type":"batch_request"},
		{"id":"f2","filename":"other.txt","bytes":"x","sample_type":7}, null, {"filename":"tag.jsonl"},
		{"id":"f3","filename":"results.jsonl","sample_type":"batch_result"},
		{"id":"f1","filename":"tag.jsonl"}],"total":6}`}), mistral.Config{})
	var got []sink.File
	for f, err := range c.Files(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f)
	}
	want := []sink.File{{File: "f1", Tag: "tag", Bytes: 7, Created: time.Unix(1763600000, 0)}, {File: "f2"}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}

// An upload whose reply was lost is found by its name and size.
func TestUploadIsFoundAgain(t *testing.T) {
	line, _ := mistral.AppendRow(nil, endpoint, sink.Row{ID: rowID(0), Body: json.RawMessage(chat("a"))})
	for listed, want := range map[string]string{
		fmt.Sprintf(`{"data":[{"id":"f0","filename":"tag.jsonl","bytes":1},{"id":"f1","filename":"tag.jsonl","bytes":%d}]}`, len(line)): "f1",
		fmt.Sprintf(`{"data":[{"id":"f1","filename":"gat.jsonl","bytes":%d}]}`, len(line)):                                              "new",
		`{"data":[],"total":0}`: "new",
		"":                      "new", // it has no list
	} {
		replies := map[string]string{"GET /v1/files": listed, "POST /v1/files": `{"id":"new"}`}
		if listed == "" {
			delete(replies, "GET /v1/files")
		}
		c := handle(t, says(replies), mistral.Config{})
		if id, err := c.Upload(t.Context(), spec("tag"), rows(chat("a"))); id != want || err != nil {
			t.Errorf("%s: %q, %v", listed, id, err)
		}
		fresh := spec("tag")
		fresh.New = true
		if id, err := c.Upload(t.Context(), fresh, rows(chat("a"))); id != "new" || err != nil {
			t.Errorf("%s: a new one is %q, %v", listed, id, err)
		}
	}
}

func TestWhatIsAboveTheLimitsIsTooLarge(t *testing.T) {
	for limits, want := range map[sink.Limits]bool{
		{Rows: 2}: true, {Rows: 1}: false, {Bytes: 200}: true, {Bytes: 100}: false,
	} {
		c := handle(t, says(map[string]string{"GET /v1/files": `{"data":[]}`, "/v1/files": `{"id":"f"}`, "/v1/batch/jobs": `{"id":"b"}`}), mistral.Config{Limits: limits})
		_, err := c.Upload(t.Context(), spec("tag"), rows(chat("a"), chat("b")))
		_, inline := c.Create(t.Context(), spec("tag"), "", rows(chat("a"), chat("b")))
		for _, err := range []error{err, inline} {
			if (err == nil) != want || err != nil && !errors.Is(err, sink.ErrTooLarge) {
				t.Errorf("%+v: %v", limits, err)
			}
		}
	}
}

// FuzzList: a reply to a list is read to its end or refused.
func FuzzList(f *testing.F) {
	f.Add(`{"data":[` + ours + `],"total":1}`)
	f.Add(`{"data":[{"id":1,"metadata":{"baler_tag":"tag"}}],"total":"x"}`)
	f.Add(`{"data":[null],"total":-1}`)
	f.Fuzz(func(t *testing.T, list string) {
		c, err := mistral.New("k", mistral.Config{Retry: retry.Policy{MaxAttempts: 1}, Transport: text(list)})
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[string]bool)
		n := 0
		for l, err := range c.List(t.Context(), time.Time{}) {
			if n++; err == nil && (l.Batch == "" || seen[l.Batch] || l.Rows < 0) || n > 1000 {
				t.Fatalf("%s: %+v", list, l)
			}
			seen[l.Batch] = true
		}
	})
}
