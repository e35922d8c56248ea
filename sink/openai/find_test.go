package openai_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
)

// shelf is a server that lists batches and files as it pleases.
type shelf struct {
	batches []string          // items of the list
	files   map[string]string // names by id
	noFiles bool              // it keeps no list of files
	page    int               // items of a page; zero means all
	cursors bool              // it goes round in a circle
	more    string            // has_more of the last page; "" means false
	gets    int               // files that were asked for one by one
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, single := strings.CutPrefix(r.URL.Path, "/v1/files/")
	switch {
	case r.URL.Path == "/v1/batches":
		s.list(w, r)
	case single && s.files[id] != "":
		s.gets++
		fmt.Fprintf(w, `{"id":%q,"filename":%q}`, id, s.files[id])
	case r.URL.Path == "/v1/files" && !s.noFiles:
		var items []string
		for id, name := range s.files {
			items = append(items, fmt.Sprintf(`{"id":%q,"filename":%q,"bytes":"odd"}`, id, name))
		}
		fmt.Fprintf(w, `{"data":[7,%s],"has_more":false}`, strings.Join(items, ","))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// list pages by the number that ends an id.
func (s *shelf) list(w http.ResponseWriter, r *http.Request) {
	from := 0
	if after := r.URL.Query().Get("after"); after != "" {
		n, _ := strconv.Atoi(after[strings.LastIndexByte(after, '_')+1:])
		from = n + 1
	}
	if s.cursors && from >= len(s.batches) {
		from = 0
	}
	until := len(s.batches)
	if s.page > 0 {
		until = min(until, from+s.page)
	}
	more := "true"
	if until == len(s.batches) && !s.cursors {
		more = max(s.more, "false")
	}
	fmt.Fprintf(w, `{"object":"list","data":[%s],"has_more":%s}`, strings.Join(s.batches[min(from, until):until], ","), more)
}

func (s *shelf) client(t *testing.T) *openai.Client {
	t.Helper()
	return handle(t, s.ServeHTTP)
}

// foreign are batches as others may leave them, numbered from n on.
func foreign(n int) (items []string) {
	for _, odd := range []string{
		`"metadata":"a text","request_counts":{"total":"7"}`, `"metadata":["a"],"created_at":"2026-11-28T10:00:00Z"`,
		`"metadata":7,"status":[],"errors":["odd"],"request_counts":"many"`, `"metadata":{"baler_tag":17},"created_at":null`,
		`"metadata":{"baler_tag":{"x":1}},"created_at":1.5e9,"input_file_id":5`, `"metadata":{"baler_tag":null,"n":1},"created_at":"soon"`,
	} {
		items = append(items, fmt.Sprintf(`{"id":"odd_%d","status":"in_progress",%s}`, n+len(items), odd))
	}
	return append(items, `"a text"`, `null`, `[]`, fmt.Sprintf(`{"id":null,"n":%d}`, n), fmt.Sprintf(`{"id":%d}`, n+10))
}

func ours(n int, members string) string {
	return fmt.Sprintf(`{"id":"batch_%d","status":"in_progress","created_at":%d,%s}`, n, time.Now().Unix(), members)
}

func TestABatchIsFoundAmongWhatOthersLeave(t *testing.T) {
	const tagged = `"metadata":{"baler_tag":"tag"}`
	for name, tc := range map[string]struct {
		shelf shelf
		want  []string
	}{
		"its metadata tell":      {shelf{batches: append(foreign(0), ours(11, tagged))}, []string{"batch_11"}},
		"they are a text":        {shelf{batches: append(foreign(0), ours(11, `"metadata":"{\"baler_tag\":\"tag\"}"`))}, []string{"batch_11"}},
		"on a later page":        {shelf{batches: append(foreign(0), ours(11, tagged)), page: 11}, []string{"batch_11"}},
		"its id is a number":     {shelf{batches: append(foreign(0), `{"id":11,`+tagged+`}`)}, []string{"11"}},
		"listed twice":           {shelf{batches: []string{ours(0, tagged), ours(0, tagged)}}, []string{"batch_0"}},
		"two of them":            {shelf{batches: []string{ours(0, tagged), ours(1, tagged)}}, []string{"batch_0", "batch_1"}},
		"the file tells":         {shelf{batches: append(foreign(0), ours(11, `"input_file_id":"f"`)), files: map[string]string{"f": "tag.jsonl", "g": "x"}}, []string{"batch_11"}},
		"asked one by one":       {shelf{batches: []string{ours(0, `"input_file_id":"f"`), ours(1, `"input_file_id":"g"`)}, files: map[string]string{"f": "tag.jsonl", "g": "x"}, noFiles: true}, []string{"batch_0"}},
		"it is not there":        {shelf{batches: append(foreign(0), ours(11, `"metadata":{"baler_tag":"other"}`))}, nil},
		"its file is not there":  {shelf{batches: []string{ours(0, `"input_file_id":"gone"`)}, files: map[string]string{"f": "tag.jsonl"}}, nil},
		"one has lost its tag":   {shelf{batches: []string{ours(0, tagged), ours(1, `"input_file_id":"f"`)}, files: map[string]string{"f": "tag.jsonl"}}, []string{"batch_0", "batch_1"}},
		"has_more is a text":     {shelf{batches: []string{ours(0, tagged)}, more: `"false"`}, []string{"batch_0"}},
		"one that tells nothing": {shelf{batches: []string{ours(0, tagged), ours(1, `"metadata":null`)}}, []string{"batch_0"}},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := tc.shelf.client(t).Find(t.Context(), "tag", time.Now().Add(-time.Hour))
			if err != nil || !slices.Equal(found, tc.want) {
				t.Errorf("found %q, %v; want %q", found, err, tc.want)
			}
		})
	}
}

// What is not in a list that was not read to its end may be there all the same.
func TestAListThatCannotBeReadToItsEndShowsNothing(t *testing.T) {
	entry := func(n int) string { return ours(n, `"metadata":{"baler_tag":"x"}`) }
	three := []string{entry(0), entry(1), entry(2)}
	for name, tc := range map[string]struct {
		handle http.Handler
		class  retry.Class
	}{
		"it goes round in a circle":      {&shelf{batches: three, page: 1, cursors: true}, retry.Permanent},
		"an empty page, and more":        {&shelf{batches: three, page: 3, more: "true"}, retry.Permanent},
		"no cursor":                      {listing(`{"data":[{"id":null}],"has_more":true}`), retry.Permanent},
		"ours has no id":                 {listing(`{"data":[{"id":[],"metadata":{"baler_tag":"tag"}}]}`), retry.Permanent},
		"no list at all":                 {listing(`{"object":"list"}`), retry.Retryable},
		"data is no array":               {listing(`{"data":{"a":1}}`), retry.Retryable},
		"a page of a proxy":              {listing(`<html>`), retry.Retryable},
		"neither metadata nor a file":    {listing(`{"data":[{"id":"b","metadata":null}]}`), retry.Permanent},
		"a file that nobody can look up": {listing(`{"data":[{"id":"b","input_file_id":"f"}]}`), retry.Retryable},
	} {
		t.Run(name, func(t *testing.T) {
			c := handle(t, tc.handle.ServeHTTP)
			found, err := c.Find(t.Context(), "tag", time.Time{})
			if err == nil || retry.ClassOf(err) != tc.class {
				t.Errorf("found %q, %v", found, err)
			}
			if neither := strings.HasPrefix(name, "neither"); neither != errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("errors.ErrUnsupported: %v", err)
			}
		})
	}
}

// listing is a server that lists batches so, and fails at all else.
func listing(list string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/batches" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(list))
	})
}

func TestListsOfOtherShapes(t *testing.T) {
	for name, list := range map[string]string{
		"a bare array": `[%s]`, "called value": `{"value":[%s]}`, "no has_more": `{"data":[%s]}`, "last_id": `{"data":[%s,{"id":null}],"has_more":true,"last_id":"z"}`,
	} {
		c := handle(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("after") == "z" {
				_, _ = w.Write([]byte(`{"data":null}`))
				return
			}
			fmt.Fprintf(w, list, ours(0, `"metadata":{"baler_tag":"tag"}`))
		})
		if found, err := c.Find(t.Context(), "tag", time.Time{}); err != nil || !slices.Equal(found, []string{"batch_0"}) {
			t.Errorf("%s: found %q, %v", name, found, err)
		}
	}
}

// A list that is not newest first is read to its end, though its first page
// looks old.
func TestAFewOldBatchesDoNotEndAList(t *testing.T) {
	old := time.Now().Add(-48 * time.Hour).Unix()
	s := &shelf{page: 3}
	for n := range 9 {
		s.batches = append(s.batches, fmt.Sprintf(`{"id":"batch_%d","created_at":%d,"metadata":{"baler_tag":"x"}}`, n, old-int64(n)))
	}
	s.batches = append(s.batches, ours(9, `"metadata":{"baler_tag":"tag"}`))
	if found, err := s.client(t).Find(t.Context(), "tag", time.Now().Add(-time.Hour)); err != nil || !slices.Equal(found, []string{"batch_9"}) {
		t.Errorf("found %q, %v", found, err)
	}
}

// A listing says whose a batch is by its file, too, and how old it is.
func TestListingsNameTheTagOfAFile(t *testing.T) {
	s := &shelf{
		batches: []string{ours(0, `"input_file_id":"f"`), ours(1, `"input_file_id":"g"`), ours(2, `"input_file_id":"gone"`)},
		files:   map[string]string{"f": "TAG.jsonl", "g": "theirs.csv"},
	}
	var got []sink.Listing
	for l, err := range s.client(t).List(t.Context(), time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, l)
	}
	if len(got) != 3 || got[0].Tag != "TAG" || got[1].Tag != "theirs.csv" || got[2].Tag != "" || got[0].Age > time.Minute {
		t.Errorf("%+v", got)
	}
}
