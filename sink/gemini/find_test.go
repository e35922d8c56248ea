package gemini_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/gemini"
)

// pages answers a list page by page.
func pages(all ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("pageToken"), &n)
		fmt.Fprint(w, all[n])
	}
}

func TestFindByDisplayName(t *testing.T) {
	c, _ := serve(t, pages(
		`{"operations":[{"name":"operations/x","metadata":7},{"name":"batches/other","metadata":{"displayName":"t2"}},`+
			`{"name":"batches/b1","metadata":{"displayName":"t","createTime":"2026-11-28T10:00:00Z","state":"JOB_STATE_SUCCEEDED",`+
			`"inputConfig":{"fileName":"files/f"},"batchStats":{"requestCount":"3"},"output":`+inlined(element("a"))+`}}],"nextPageToken":"1"}`,
		`{"operations":[{"name":"batches/b2","metadata":{"displayName":"t"}},{"name":"batches/b1","metadata":{"displayName":"t"}},"junk"],"nextPageToken":"2"}`,
		`{"x_new":{"a":1}}`, // of an empty page the API sends nothing that is known
	), gemini.Config{})
	found, err := c.Find(t.Context(), "t", time.Time{})
	if got := strings.Join(found, " "); err != nil || got != "batches/b1 batches/b2" {
		t.Errorf("%q, %v", got, err)
	}
	for l, err := range c.List(t.Context(), time.Time{}) {
		if l.Batch != "batches/b1" {
			continue
		}
		age := l.Age
		l.Age = 0
		want := sink.Listing{Batch: "batches/b1", Tag: "t", Created: time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC), Rows: 3, Ended: true, File: "files/f"}
		if err != nil || l != want || age == 0 {
			t.Errorf("%+v, %v", l, err)
		}
	}
}

func TestListsThatCannotBeRead(t *testing.T) {
	for page, want := range map[string]retry.Class{
		`{"error":"no"}`: retry.Retryable, `{"message":"upstream"}`: retry.Retryable, `[]`: retry.Retryable, `<html>`: retry.Retryable, `{"operations":7}`: retry.Retryable,
		`{"operations":[],"nextPageToken":"0"}`:             retry.Permanent,
		`{"operations":[{"metadata":{"displayName":"t"}}]}`: retry.Permanent,
	} {
		c, _ := serve(t, pages(page), gemini.Config{})
		if found, err := c.Find(t.Context(), "t", time.Time{}); retry.ClassOf(err) != want || err == nil {
			t.Errorf("%s: %q, %v", page, found, err)
		}
	}
}

func TestFilesOfOthersHaveNoTag(t *testing.T) {
	c, _ := serve(t, pages(
		`{"files":[{"name":"files/a","displayName":"t.jsonl","sizeBytes":"12","createTime":"2026-11-28T10:00:00Z"},{"name":"files/b","displayName":"photo"}],"nextPageToken":"1"}`,
		`{"files":[{"displayName":"nameless"},{"name":"files/a"}]}`,
	), gemini.Config{})
	var got []sink.File
	for f, err := range c.Files(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f)
	}
	want := sink.File{File: "files/a", Tag: "t", Bytes: 12, Created: time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)}
	if len(got) != 2 || got[0] != want || got[1] != (sink.File{File: "files/b"}) {
		t.Errorf("%+v", got)
	}
	none, _ := serve(t, pages(`{"models":[]}`), gemini.Config{})
	for f, err := range none.Files(t.Context()) {
		if err == nil || errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%+v, %v", f, err)
		}
	}
}

// The requests of a listed batch are passed over, however large they are as a
// whole; all else that is listed is bounded.
func TestRequestsInAListAreNotCounted(t *testing.T) {
	request := `{"request":{"contents":[{"parts":[{"text":"` + strings.Repeat("x", 1<<20) + `"}]}]}}`
	big := strings.Repeat(request+",", 34) + request
	for _, list := range []string{big, `{"requests":{"requests":[` + big + `]}}`, request + `,{"a":[[1],[[` + big + `]]]}`} {
		c, _ := serve(t, pages(`{"operations":[{"name":"batches/b","metadata":{"displayName":"t","inputConfig":{"requests":{"requests":[`+
			list+`]}}}},{"name":"batches/c","metadata":{"displayName":"t"}}]}`), gemini.Config{})
		if found, err := c.Find(t.Context(), "t", time.Time{}); err != nil || len(found) != 2 {
			t.Errorf("%q, %v", found, err)
		}
	}
	c, _ := serve(t, pages(`{"operations":[{"name":"batches/b","metadata":{"displayName":"t","more":[`+big+`]}}]}`), gemini.Config{})
	if found, err := c.Find(t.Context(), "t", time.Time{}); err == nil {
		t.Errorf("a list of any size was kept: %q", found)
	}
}
