package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/cite"
	"github.com/balerhq/baler/sink/llm/document/documenttest"
	"github.com/balerhq/baler/sink/simulator"
)

// Files go with their rows, are checked before anything is bought, and are
// cited.
func TestRunSendsFiles(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "docs"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"docs/a.pdf": documenttest.PDF(strings.Repeat("words of the document ", 10)), "docs/b.png": documenttest.PNG(2, 2, 1),
		"docs/scan.pdf": documenttest.PDF("", ""), "secret.txt": []byte("secret"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(verb string, more ...string) result {
		args := append([]string{
			verb, "in.jsonl", "--provider", "anthropic", "--base-url", server.URL + "/anthropic", "--model", "claude-haiku-5.5",
			"--prompt", "Read {{.id}}", "--file", "docs/{{.path}}", "--file", "{{with .also}}docs/{{.}}{{end}}", "--cite",
		}, more...)
		return runCommand(t, dir, allKeys("test"), args...)
	}
	for row, words := range map[string]string{
		`{"id":"x","path":"none.pdf"}`:             `in.jsonl:2: "docs/none.pdf" cannot be read: no such file`,
		`{"id":"x","path":"../secret.txt"}`:        `in.jsonl:2: --file: "secret.txt" is not below "docs/"`,
		`{"id":"x"}`:                               `in.jsonl:2: --file: field "path" is missing`,
		`{"id":"x","path":"a.pdf","also":"/b/.."}`: `in.jsonl:2: "docs" is no regular file`,
	} {
		writeFile(t, dir, "in.jsonl", `{"id":"a","path":"a.pdf"}`, row)
		if r := run("plan"); r.code != exitUsage || !strings.Contains(r.stderr, words) {
			t.Errorf("%s: exit %d, %s, want %q", row, r.code, r.stderr, words)
		}
	}
	writeFile(t, dir, "in.jsonl", `{"id":"a","path":"a.pdf"}`, `{"id":"b","path":"b.png","also":"scan.pdf"}`)
	if r := run("plan"); r.code != exitOK || !strings.Contains(r.stdout, "files") || !strings.Contains(r.stdout, "3, of which PDFs have 3 pages, and 1 with a warning") {
		t.Errorf("plan: exit %d, %s%s", r.code, r.stdout, r.stderr)
	}
	// Three pages of 2,000 tokens each, and two short texts.
	if r := run("plan", "--max-tokens", "100"); r.code != exitOK || !strings.Contains(r.stdout, "tokens    about 6,") || !strings.Contains(r.stdout, " of input; answers have 100 at most for each row") {
		t.Errorf("plan: exit %d, %s%s", r.code, r.stdout, r.stderr)
	}
	r := run("run", "--out", "out.jsonl", "--poll", "20ms")
	if r.code != exitOK || !strings.Contains(r.stderr, `in.jsonl:2: "scan.pdf" has no text layer: its 2 pages`) {
		t.Fatalf("exit %d, %s", r.code, r.stderr)
	}
	results := readResults(t, filepath.Join(dir, "out.jsonl"))
	if c := results["a"].Citations; len(c) != 1 || c[0].Unit != llm.UnitPage || c[0].From != 1 {
		t.Errorf("citations of a: %+v", c)
	}
	if c := results["b"].Citations; len(c) != 1 {
		t.Errorf("citations of b: %+v", c)
	}
}

// A file that all rows have is uploaded once, and nothing of it is left.
func TestRunUploadsFilesOnce(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.pdf"), documenttest.PDF("words of the document"), 0o600); err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "in.jsonl", `{"id":"a"}`, `{"id":"b"}`)
	r := runCommand(t, dir, allKeys("test"), "run", "in.jsonl", "--out", "out.jsonl", "--base-url", server.URL+"/v1", "--model", "gpt-5.4-mini",
		"--prompt", "Read {{.id}}", "--file", "a.pdf", "--file-upload", "auto", "--poll", "20ms")
	if r.code != exitOK || len(readResults(t, filepath.Join(dir, "out.jsonl"))) != 2 {
		t.Fatalf("%+v", r)
	}
	uploaded, left := 0, 0
	for _, f := range server.Files() {
		if f.Purpose == "user_data" {
			uploaded++
		}
		if !f.Deleted {
			left++
		}
	}
	if uploaded != 1 || left != 0 {
		t.Errorf("%d files were uploaded, and %d are left: %+v", uploaded, left, server.Files())
	}
}

// The output says which citations the fields of an answer in JSON rest on, and
// the run tells of answers that hardly rest on any.
func TestCitationsOfFields(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		if strings.Contains(string(r.Body), "Read b") {
			return simulator.Reply{Text: `Answer: {"total":4711,"to":"nobody","by":"Tuesday"}`, Citations: []simulator.Citation{{Kind: "char", End: 4, Text: "else"}}}
		}
		return simulator.Reply{
			Text:      `Answer: {"total":12.5,"to":{"name":"Ada Lovelace"}}`,
			Citations: []simulator.Citation{{Kind: "char", End: 20, Text: "The total is 12.50 EUR"}, {Kind: "char", Start: 30, End: 50, Text: "to be sent to Ada Lovelace"}},
		}
	}}), t.TempDir()
	writeFile(t, dir, "letter.txt", "The total is 12.50 EUR, to be sent to Ada Lovelace")
	writeFile(t, dir, "in.jsonl", `{"id":"a"}`, `{"id":"b"}`)
	args := []string{
		"run", "in.jsonl", "--out", "out.jsonl", "--provider", "anthropic", "--base-url", server.URL + "/anthropic", "--model", "claude-haiku-5.5",
		"--prompt", "Read {{.id}}", "--file", "letter.txt", "--cite", "--poll", "20ms",
	}
	r := runCommand(t, dir, allKeys("test"), args...)
	if r.code != exitOK || !r.says("unsourced") {
		t.Fatalf("%+v", r)
	}
	results := readResults(t, filepath.Join(dir, "out.jsonl"))
	want := []durable.CitedField{
		{Path: "$.total", Sources: []durable.FieldSource{{Citation: 0, Rule: cite.RuleNumber, Confidence: 0.8}}},
		{Path: "$.to.name", Sources: []durable.FieldSource{{Citation: 1, Rule: cite.RuleExact, Confidence: 0.8}}},
	}
	if diff := cmp.Diff(want, results["a"].Fields); diff != "" {
		t.Errorf("%s, of %+v", diff, results["a"].Citations)
	}
	file, _ := os.ReadFile(filepath.Join(dir, "out.jsonl"))
	if kept := runCommand(t, dir, nil, "results", "in"); sortedLines(kept.stdout) != sortedLines(string(file)) {
		t.Errorf("%s, in the file %s", kept.stdout, file)
	}
	if status := mustCommand(t, dir, "status", "in"); !strings.Contains(status.stdout, "1 answer, most of whose fields rest on no citation") {
		t.Error(status.stdout)
	}
}

func TestFlagsOfFilesThatDoNotFit(t *testing.T) {
	t.Parallel()
	for words, args := range map[string][]string{
		"--cite needs a --file":     {"--prompt", "{{.a}}", "--cite"},
		"--any-file needs a --file": {"--prompt", "{{.a}}", "--any-file"},
		"--file-upload needs a":     {"--prompt", "{{.a}}", "--file-upload", "auto"},
		`--file-upload is "often"`:  {"--prompt", "{{.a}}", "--file", "{{.a}}", "--file-upload", "often"},
		"--file needs a --prompt":   {"--file", "{{.a}}"},
		"--rows-per-request shares": {"--prompt", "{{.a}}", "--file", "{{.a}}", "--rows-per-request", "5"},
		"--file: ":                  {"--prompt", "{{.a}}", "--file", "{{.a"},
	} {
		o := parsed(t, append(args, "--model", "m")...)
		if err := o.messages.validate(o); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v, want %q", args, err, words)
		}
	}
}

// A run remembers the templates, and a retry takes them over.
func TestTemplatesOfFilesAreRemembered(t *testing.T) {
	t.Parallel()
	o := parsed(t, "--model", "m", "--prompt", "{{.a}}", "--file", "docs/{{.a}}", "--file", `["odd`, "--cite")
	settings := o.settings()
	again := parsed(t, "--model", "m", "--prompt", "{{.a}}", "--file", settings[fileFlag])
	if strings.Join(again.messages.attach.files, "|") != `docs/{{.a}}|["odd` || settings[citeFlag] != "true" {
		t.Errorf("%q, of %q", again.messages.attach.files, settings)
	}
}

// A file may be on the web or at the provider. A row cannot say that its file is
// at the provider, only the template can.
func TestFilesThatAreElsewhere(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", `{"id":"a","url":"https://example.test/a.PNG?x=.pdf","doc":"file-abc"}`)
	for file, want := range map[string]string{
		"{{.url}}":                         `{"source":{"type":"url","url":"https://example.test/a.PNG?x=.pdf"},"type":"image"}`,
		"https://example.test/../{{.doc}}": `{"source":{"type":"url","url":"https://example.test/../file-abc"},"type":"document"}`,
		"id:{{.doc}}":                      `{"source":{"file_id":"file-abc","type":"file"},"type":"document"}`,
		"{{with .none}}{{.}}{{end}}":       `"content":"Read"`,
		"id:{{with .none}}{{.}}{{end}}":    `"content":"Read"`,
	} {
		r := runCommand(t, dir, allKeys("test"), "preview", "in.jsonl", "--provider", "anthropic", "--base-url", server.URL+"/anthropic",
			"--model", "claude-haiku-5.5", "--prompt", "Read", "--file", file)
		if r.code != exitOK || !strings.Contains(strings.NewReplacer(" ", "", "\n", "").Replace(r.stdout), want) {
			t.Errorf("%s: %+v", file, r)
		}
	}
	writeFile(t, dir, "in.jsonl", `{"id":"a","path":"id:file-abc"}`)
	r := runCommand(t, dir, allKeys("test"), "plan", "in.jsonl", "--provider", "anthropic", "--model", "claude-haiku-5.5", "--prompt", "Read", "--file", "{{.path}}")
	if r.code != exitUsage || !strings.Contains(r.stderr, `"id:file-abc" cannot be read`) {
		t.Errorf("%+v", r)
	}
}
