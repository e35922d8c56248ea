package durable

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// awkward are results whose texts have what CSV treats specially.
func awkward() []Result {
	return []Result{
		{ID: `a,"1"`, Status: ItemSucceeded, Text: "one\ntwo\r\nthree\r", Batch: "batch_1", Attempts: 1, Usage: &llm.Usage{Input: 7, Output: 3}},
		{ID: "b\n2", Status: ItemFailed, Text: ` "" `, Batch: "batch_1", Attempts: 2, Error: &sink.RowError{Class: retry.Permanent, Code: "odd", Message: "no, \"not\" this"}, Value: json.RawMessage(`{"a":[1],"b":"x\"y"}`)},
		{ID: "=c", Status: ItemSucceeded, Text: "+1", Cached: true, Batch: "batch_2", Meta: json.RawMessage(`{"lang":"de","n":1.50,"list":["a"],"none":null,"text":"t"}`)},
		{ID: "d", Status: ItemSucceeded, Shared: true, Source: "in.csv", Line: 4, Model: "m", Route: "r", Tenant: "acme"},
	}
}

var awkwardColumns = CSVColumns{Value: []string{"b", "no"}, Meta: []string{"lang", "n", "list", "none", "text"}}

func TestCSVOfAnyText(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/out.csv"
	out, err := CSV(path, awkwardColumns)
	if err != nil {
		t.Fatal(err)
	}
	all := awkward()
	if err := errors.Join(out.Rewind(""), out.Write(t.Context(), all[:2]), out.Write(t.Context(), all[2:]), out.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	records := readPlainCSV(string(b))
	if len(records) != 5 || !slices.Equal(records[0], awkwardColumns.Names()) {
		t.Fatalf("%q", records)
	}
	for i, want := range []map[string]string{
		{"id": `a,"1"`, "status": "succeeded", "text": "one\ntwo\r\nthree\r", "batch": "batch_1", "attempts": "1", "input_tokens": "7", "output_tokens": "3"},
		{"id": "b\n2", "status": "failed", "text": ` "" `, "batch": "batch_1", "attempts": "2", "value": `{"a":[1],"b":"x\"y"}`, "value.b": `x"y`, "error_code": "odd", "error": `no, "not" this`},
		{"id": "=c", "status": "succeeded", "text": "+1", "batch": "batch_2", "attempts": "0", "cached": "true", "lang": "de", "n": "1.50", "list": `["a"]`, "meta.text": "t"},
		{"id": "d", "status": "succeeded", "attempts": "0", "shared": "true", "source": "in.csv", "line": "4", "model": "m", "route": "r", "tenant": "acme"},
	} {
		for j, name := range records[0] {
			if got := records[i+1][j]; got != want[name] {
				t.Errorf("row %d: %s is %q, want %q", i+1, name, got, want[name])
			}
		}
	}
	if _, err := csv.NewReader(bytes.NewReader(b)).ReadAll(); err != nil {
		t.Errorf("another reader: %v", err)
	}
}

// readPlainCSV reads RFC 4180 to the letter, since encoding/csv changes line
// breaks.
func readPlainCSV(text string) (records [][]string) {
	var record []string
	for text != "" {
		var field strings.Builder
		if strings.HasPrefix(text, `"`) {
			text = text[1:]
			for {
				n := strings.IndexByte(text, '"')
				field.WriteString(text[:n])
				text = text[n+1:]
				if !strings.HasPrefix(text, `"`) {
					break
				}
				field.WriteByte('"')
				text = text[1:]
			}
		} else {
			n := strings.IndexAny(text, ",\r")
			field.WriteString(text[:n])
			text = text[n:]
		}
		record = append(record, field.String())
		if text[0] == ',' {
			text = text[1:]
			continue
		}
		text = strings.TrimPrefix(text, "\r\n")
		records, record = append(records, record), nil
	}
	return records
}

// A crash may leave any beginning of the last chunk, which is cut off. What the
// job has not written is never cut off.
func TestATornCSVIsCutBack(t *testing.T) {
	t.Parallel()
	all := awkward()
	own := func(r *Result) bool {
		return slices.ContainsFunc(all, func(o Result) bool { return o.ID == r.ID && o.Batch == r.Batch })
	}
	for _, recorded := range []int{0, 2} {
		path := fmt.Sprintf("%s/%d.csv", t.TempDir(), recorded)
		out, err := CSV(path, awkwardColumns)
		if err != nil {
			t.Fatal(err)
		}
		if err := out.Rewind(""); err != nil {
			t.Fatal(err)
		}
		if recorded > 0 {
			err = out.Write(t.Context(), all[:recorded])
		}
		mark := out.Mark()
		if err := errors.Join(err, out.Write(t.Context(), all[recorded:]), out.Close()); err != nil {
			t.Fatal(err)
		}
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		to, err := parseMark(mark)
		if err != nil {
			t.Fatal(err)
		}
		rewind := func(content string) error {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := CSV(path, awkwardColumns)
			if err != nil {
				t.Fatal(err)
			}
			out.judgeTail(own)
			return errors.Join(out.Rewind(mark), out.f.Close())
		}
		for n := int(to.size); n <= len(whole); n++ {
			if err := rewind(string(whole[:n]) + "\x00\x00"[:n%3]); err != nil {
				t.Fatalf("torn at %d of %d: %v", n, len(whole), err)
			}
			if left, err := os.ReadFile(path); err != nil || int64(len(left)) != to.size {
				t.Fatalf("torn at %d of %d: %d bytes are left instead of %d, %v", n, len(whole), len(left), to.size, err)
			}
		}
		for _, foreign := range []string{
			"a note\r\n", "x,cancelled,", "x,a,b\r\n", `"x` + strings.Repeat("y", 1000), strings.Replace(string(whole[to.size:]), "batch_2", "batch_3", 1),
		} {
			if err := rewind(string(whole[:to.size]) + foreign); err == nil {
				t.Errorf("cut off: %q", foreign)
			}
		}
	}
}

func TestColumnsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{"a", "a"}, {""}, {"text", "meta.text"}} {
		if _, err := CSV(t.TempDir()+"/out.csv", CSVColumns{Meta: names}); err == nil {
			t.Errorf("%q are taken", names)
		}
	}
}
