package resultline

import (
	"testing"

	"github.com/go-json-experiment/json"
)

var answeredLines = []string{
	`{"id":"r","custom_id":"a","response":{"status_code":200,"request_id":"x","body":{"a":[1,"é"]}},"error":null}`,
	`{"custom_id":"a\"b","response":{"status_code":500,"body":"text"}}`,
	`{"custom_id":"a","custom_id":"b","response":{"status_code":400,"status_code":200,"body":null}}`,
	`{"response":{"status_code":429}}`,
}

var otherLines = []string{
	``, `{}`, `null`, `{"custom_id":"a"}`, `{"custom_id":"a","response":null}`, `{"custom_id":"a","response":{}}`,
	`{"custom_id":"a","response":{"status_code":0,"body":{}}}`,
	`{"custom_id":"a","response":{"status_code":"200","body":{}}}`,
	`{"custom_id":"a","response":{"status_code":200,"body":{}},"error":{"code":"x"}}`,
	`{"custom_id":"a","response":{"status_code":200,"body":{}},"error":""}`,
	`{"custom_id":"a","response":{"status_code":200,"body":{}},"response":{"status_code":200}}`,
	`{"custom_id":1,"response":{"status_code":200,"body":{}}}`,
	`{"custom_id":"a","response":{"status_code":200,"body":{}}`,
	`{"custom_id":"a","response":{"status_code":200,"body":{}}} x`,
	`{"custom\u005fid":"a","response":{"status_code":200,"body":{}}}`,
}

func TestALineOfAnAnsweredRowIsReadAsAnyOther(t *testing.T) {
	t.Parallel()
	for _, line := range answeredLines {
		if _, ok := parseAnswered([]byte(line)); !ok {
			t.Errorf("it is that of an answered row: %s", line)
		}
		mustBeReadAlike(t, []byte(line))
	}
	for _, line := range otherLines {
		if got, ok := parseAnswered([]byte(line)); ok {
			t.Errorf("%s was read as %+v", line, got)
		}
	}
}

func FuzzAnsweredLine(f *testing.F) {
	for _, line := range append(answeredLines, otherLines...) {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) { mustBeReadAlike(t, line) })
}

// mustBeReadAlike compares the line with what reflection reads.
func mustBeReadAlike(t *testing.T, line []byte) {
	t.Helper()
	got, ok := parseAnswered(line)
	if !ok {
		return
	}
	var l resultLine
	if err := json.Unmarshal(line, &l, tolerant); err != nil {
		t.Fatalf("%s was read, and is %v", line, err)
	}
	want := l.Response
	if want == nil || got.ID != l.CustomID || got.Status != want.StatusCode || string(got.Body) != string(want.Body) || l.Error != (rowFault{}) {
		t.Fatalf("%s\ngot  %+v\nwant %+v", line, got, l)
	}
}
