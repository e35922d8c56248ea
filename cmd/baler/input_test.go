package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text) // to memory
	_ = w.Close()
	return b.String()
}

// The files that spreadsheets and other programs write are read as they are.
func TestRunReadsDialects(t *testing.T) {
	for name, test := range map[string]struct {
		file, content, prompt, id string
		args                      []string
		want                      map[string]string // text by id
	}{
		"semicolons": {
			"in.csv", "\ufeffTicket-Nr;Betreff;Beschreibung\r\n4711;Drucker;\"Der Drucker, 2. Stock; druckt nicht\"\r\n4712;VPN;bricht ab\r\n",
			`{{index . "Betreff"}}: {{.Beschreibung}}`, "Ticket-Nr", nil,
			map[string]string{"4711": "Drucker: Der Drucker, 2. Stock; druckt nicht", "4712": "VPN: bricht ab"},
		},
		"tabs":             {"in.tsv", "id\ttext\n1\ta, b\n", "{{.text}}", "id", nil, map[string]string{"1": "a, b"}},
		"a delimiter":      {"in.csv", "id:text\n1:a\n", "{{.text}}", "id", []string{"--delimiter", ":"}, map[string]string{"1": "a"}},
		"tab by name":      {"in.csv", "id\ttext, b\n1\ta\n", "{{index . \"text, b\"}}", "id", []string{"--delimiter", "tab"}, map[string]string{"1": "a"}},
		"carriage returns": {"in.csv", "id,text\r1,one\r2,two\r", "{{.text}}", "id", nil, map[string]string{"1": "one", "2": "two"}},
		"trailing fields":  {"in.csv", "id,text,,\n1,one,,\n2,two,,\n", "{{.text}}", "id", nil, map[string]string{"1": "one", "2": "two"}},
		"an index":         {"in.csv", ",id,text\n0,a,hello\n1,b,world\n", "{{.text}}", "id", nil, map[string]string{"a": "hello", "b": "world"}},
		"gzip":             {"in.csv.gz", gzipped("id,text\n1,one\n"), "{{.text}}", "id", nil, map[string]string{"1": "one"}},
		"bare quotes":      {"in.csv", "id,text\n1,the 27\" monitor is broken\n2,ok\n", "{{.text}}", "id", nil, map[string]string{"1": "the 27\" monitor is broken", "2": "ok"}},
		"no id beside one that is a line": {
			"in.jsonl", `{"text":"no id"}` + "\n" + `{"id":"1","text":"id equals line one"}` + "\n", "{{.text}}", "id", nil,
			map[string]string{"line:1": "no id", "1": "id equals line one"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, test.file), []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			args := runArgs(server, test.file, "--out", "out.jsonl", "--model", "m", "--prompt", test.prompt, "--id", test.id)
			if r := runCommand(t, dir, withKey, append(args, test.args...)...); r.code != exitOK {
				t.Fatalf("%+v", r)
			}
			got := readResults(t, filepath.Join(dir, "out.jsonl"))
			if len(got) != len(test.want) {
				t.Errorf("%d results, want %d", len(got), len(test.want))
			}
			for id, text := range test.want {
				if !strings.HasSuffix(got[id].Text, text) {
					t.Errorf("%s: %q, want %q", id, got[id].Text, text)
				}
			}
		})
	}
}

// What cannot be read, or would send rubbish, says what to do before anything
// is sent.
func TestRunExplainsInput(t *testing.T) {
	for name, test := range map[string]struct {
		file, content string
		args, want    []string
	}{
		"bzip2":            {"in.jsonl", "BZh91AYrest", nil, []string{"in.jsonl", "bunzip2"}},
		"a gzip that ends": {"in.jsonl", "\x1f\x8b\x08\x00rest", nil, []string{"in.jsonl", "ends too early"}},
		"UTF-16":           {"in.csv", "\xff\xfei\x00d\x00", nil, []string{"in.csv", "UTF-8"}},
		"a device":         {"in.csv", "id,text\n1,a", []string{"INPUT", "/dev/null"}, []string{"/dev/null", "write what it yields to a file"}},
		"two delimiters":   {"in.csv", "id,te;xt\n1,a;b", nil, []string{"in.csv", "--delimiter"}},
		"a long delimiter": {"in.csv", "id,text\n1,a", []string{"--delimiter", "ab"}, []string{"--delimiter", "tab"}},
		"null":             {"in.jsonl", `{"id":"1","text":null}`, nil, []string{"in.jsonl:1", "{{.text}} is null"}},
		"a list":           {"in.jsonl", `{"id":"1","text":["a"]}`, nil, []string{"in.jsonl:1", "{{json"}},
		"null by index":    {"in.jsonl", `{"id":"1","text":null}`, []string{"--prompt", `{{index . "text"}}`}, []string{"in.jsonl:1", "null"}},
		"no such field":    {"in.jsonl", `{"id":"1","body":"a"}`, nil, []string{"in.jsonl:1", `"text"`, `the row has "body", "id"`}},
		"no field":         {"in.jsonl", `{"id":"1","text":"a"}`, []string{"--prompt", "Summarise {text}"}, []string{"{{.text}} for {text}"}},
		"a dash":           {"in.csv", "id,my-text\n1,a", []string{"--prompt", "{{.my-text}}"}, []string{"--prompt", `{{get "my name"}}`}},
		"no such id":       {"in.jsonl", `{"ticket":"1","text":"a"}`, []string{"--id", "number"}, []string{"in.jsonl:1", `"number"`, `"ticket"`}},
		"an empty id":      {"in.csv", "number,text\n,a", []string{"--id", "number"}, []string{"in.csv:2", `"number" is empty`}},
		"no custom_id":     {"in.jsonl", `{"custom_id":"","method":"POST"}`, []string{"--prompt", ""}, []string{"in.jsonl:1", `"custom_id" is empty`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
			writeFile(t, dir, test.file, test.content)
			input, args := test.file, test.args
			if len(args) > 0 && args[0] == "INPUT" {
				input, args = args[1], args[2:]
			}
			r := runCommand(t, dir, withKey, slices.Concat(
				runArgs(server, input, "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}"), args)...)
			if r.code != exitUsage || len(server.Batches()) > 0 {
				t.Errorf("exit code %d, %d batches", r.code, len(server.Batches()))
			}
			for _, want := range test.want {
				if !strings.Contains(r.stderr, want) {
					t.Errorf("%q does not mention %q", r.stderr, want)
				}
			}
		})
	}
}

// A header that almost names the id is told, once.
func TestRunTellsOfRowsWithoutID(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.csv", "ID,text", "7,one", "8,two")
	r := runCommand(t, dir, withKey, runArgs(server, "in.csv", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")...)
	if r.code != exitOK || strings.Count(r.stderr, "--id") != 1 || !strings.Contains(r.stderr, `in.csv:2: a row without a field "id"`) ||
		!strings.Contains(r.stderr, `"ID"`) {
		t.Errorf("%+v", r)
	}
	if got := readResults(t, filepath.Join(dir, "out.jsonl")); len(got) != 2 || got["line:2"].Status != "succeeded" {
		t.Errorf("%+v", got)
	}
	writeFile(t, dir, "empty.csv", "id,text", ",three")
	if r := runCommand(t, dir, withKey, runArgs(server, "empty.csv", "--out", "empty.jsonl", "--model", "m", "--prompt", "{{.text}}")...); !strings.Contains(r.stderr, `a row whose field "id" is empty`) {
		t.Errorf("%+v", r)
	}
}

// A row may be as large as the provider takes.
func TestRunTakesARowOf20MB(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 20 MB through disk and network several times")
	}
	server, dir := startSimulator(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		return simulator.Reply{Text: fmt.Sprint(len(r.Body))}
	}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", `{"id":"1","text":"`+strings.Repeat("x", 20_000_000)+`"}`)
	r := runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")...)
	if got := readResults(t, filepath.Join(dir, "out.jsonl")); r.code != exitOK || len(got["1"].Text) != len("20000000") {
		t.Errorf("%+v: %+v", r, got)
	}
}
