package gemini

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// FuzzParseLine: whatever a line is, it belongs to a row that is named, or to
// none, and what failed has a class and a code.
func FuzzParseLine(f *testing.F) {
	for _, line := range []string{
		`{"key":"a","response":{"candidates":[]}}`, `{"key":"a","error":{"code":8,"message":"m","details":[{"retryDelay":"1s"}]}}`,
		`{"metadata":{"key":"a"},"status":{"code":"13"}}`, `{"metadata":"a","response":7}`, `{"key":7,"status":"UNAVAILABLE"}`,
		`{"key":null}`, `null`, `{`, `{"key":"a","response":{},"error":""}`, `{"key":"a","key":"b","error":{"code":1e300}}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		o, err := parseLine(line)
		switch {
		case err != nil && (o.ID != "" || o.Err != nil || o.Body != nil):
			t.Errorf("%+v beside %v", o, err)
		case err != nil:
		case o.Err == nil && (o.Status != 200 || !json.Valid(o.Body) && jsontext.Value(o.Body).IsValid()):
			t.Errorf("a success of %+v", o)
		case o.Err != nil && (o.Err.Class == 0 || o.Err.Code == "" || strings.ContainsAny(o.Err.Message+o.Err.Code, "\n\x1b")):
			t.Errorf("a failure of %+v", o.Err)
		}
	})
}

// FuzzExtract: what is read of a batch is JSON without its rows, and reading it
// again finds none.
func FuzzExtract(f *testing.F) {
	for _, body := range []string{
		`{"name":"batches/b","metadata":{"state":"BATCH_STATE_RUNNING","batchStats":{"requestCount":"3"},"output":{"inlinedResponses":{"inlinedResponses":[{"response":{}},7]}}}}`,
		`{"operations":[{"metadata":{"inputConfig":{"requests":{"requests":[1]},"fileName":"files/f"}}},[[{}]]],"nextPageToken":"t"}`,
		`{"error":{"code":1},"done":true,"response":{"inlinedEmbedContentResponses":[1,2]}}`, `{"inlinedResponses":[`, `[]`, `{"a":1}{`, `{"a":[1,],}`, ``,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		rows := 0
		visit := visitor{begin: func() {}, row: func([]byte) error { rows++; return nil }}
		v, err := extract(bytes.NewReader(body), visit)
		if err != nil {
			return
		}
		if !v.IsValid(tolerant) || len(v) > len(body)+4*bytes.Count(body, []byte(`"requests"`)) {
			t.Fatalf("%s of %s", v, body)
		}
		rows = 0
		again, err := extract(bytes.NewReader(v), visit)
		if err != nil || rows > 0 || !bytes.Equal(again, v) {
			t.Errorf("%s again is %s with %d rows, %v", v, again, rows, err)
		}
		o := parseOperation(v)
		if o.hasEnded() && o.isRunning() || o.notRun() < 0 || o.counts.total < 0 {
			t.Errorf("%s is %+v", v, o)
		}
		_ = o.failure.refusal()
		_, _ = parsePage(v, "operations", "files")
	})
}
