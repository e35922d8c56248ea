package durable_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink"
)

// verdict is what the answers of the tests say.
type verdict struct {
	Urgent bool `json:"urgent"`
}

// Results are read back as they were written, from both forms.
func TestReadIsTheInverseOfWrite(t *testing.T) {
	t.Parallel()
	written := []durable.Result{
		{ID: "a", Status: durable.ItemSucceeded, Text: `{"urgent":true}`, Response: json.RawMessage(`{"x":1.0}`), Attempts: 1},
		{ID: "b", Status: durable.ItemFailed, Text: "perhaps", Error: &sink.RowError{Code: "odd"}, Attempts: 2},
		{ID: "c", Status: durable.ItemSucceeded, Text: "it is urgent", Attempts: 1},
		{ID: "d", Status: durable.ItemSucceeded, Text: `{"urgent":false}`, Attempts: 1},
	}
	dir := t.TempDir()
	lines, err := durable.Lines(dir + "/out.jsonl")
	files, errFiles := durable.OpenFiles(dir + "/out")
	if err := errors.Join(err, errFiles); err != nil {
		t.Fatal(err)
	}
	for _, out := range []interface {
		durable.Rewinder
		Close() error
		Path() string
	}{lines, files} {
		if err := errors.Join(out.Rewind(""), out.Write(t.Context(), written), out.Close()); err != nil {
			t.Fatal(err)
		}
		n := 0
		for r, err := range durable.Read[verdict](out.Path()) {
			want := written[n]
			if n++; r.ID != want.ID || r.Status != want.Status || r.Text != want.Text || string(r.Response) != string(want.Response) || r.Attempts != want.Attempts {
				t.Errorf("%+v, want %+v", r, want)
			}
			if (err != nil) != (want.ID == "c") || r.Value.Urgent != (want.ID == "a") || (r.Error != nil) != (want.ID == "b") {
				t.Errorf("%s: %+v, %v", r.ID, r, err)
			}
		}
		if n != len(written) {
			t.Errorf("%d results", n)
		}
		for r, err := range durable.Read[string](out.Path()) {
			if err != nil || r.Value != written[0].Text {
				t.Errorf("%q, %v", r.Value, err)
			}
			break
		}
	}
}

func TestReadOfWhatARunIsWriting(t *testing.T) {
	t.Parallel()
	const line = `{"id":"a","status":"succeeded","text":"x","value":{"urgent":true},"attempts":1}` + "\n"
	path := t.TempDir() + "/out.jsonl"
	for content, want := range map[string]struct {
		results int
		err     string
	}{
		"":                         {0, ""},
		line + line:                {2, ""},
		line + line[:20]:           {1, ""},
		line + "\x00\x00":          {1, ""},
		line + "a note":            {1, "out.jsonl:2: it is no result"},
		line + "{}\n" + line:       {1, "out.jsonl:2: it is no result"},
		line + "{\n" + line:        {1, "out.jsonl:2: "},
		"id,status,text\r\na,b,c,": {0, "out.jsonl:1: "},
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		n, last := 0, error(nil)
		for r, err := range durable.Read[verdict](path) {
			if last = err; err == nil {
				n++
			}
			if err == nil && !r.Value.Urgent {
				t.Errorf("%q: the value is not read: %+v", content, r)
			}
		}
		if n != want.results || (last != nil) != (want.err != "") || last != nil && !strings.Contains(last.Error(), want.err) {
			t.Errorf("%q: %d results, %v", content, n, last)
		}
	}
	for _, err := range durable.Read[string](path + "/none") {
		if err == nil {
			t.Error("what is not there is read")
		}
	}
}
