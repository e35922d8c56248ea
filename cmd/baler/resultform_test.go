package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

// csvTickets are rows of a CSV file, some of them with an awkward field.
func csvTickets(n int) []string {
	lines := []string{"id,lang,text"}
	for i := range n {
		lines = append(lines, fmt.Sprintf(`T-%d,"d,%d","=ticket ""%d"""`, i, i, i))
	}
	return lines
}

func readCSV(t *testing.T, path string) (rows []map[string]string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records[1:] {
		row := make(map[string]string)
		for i, name := range records[0] {
			row[name] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// CSV in, CSV out: with the fields of the row beside the answer. What "baler
// results" writes is the same file.
func TestRunWritesCSV(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.csv", csvTickets(25)...)
	args := runArgs(server, "in.csv", "--out", "out.csv", "--model", "m", "--prompt", "{{.text}}", "--keep-fields", "all", "--batch-size", "10")
	for range 2 {
		if r := runCommand(t, dir, withKey, args...); r.code != exitOK || !r.says("succeeded 25") {
			t.Fatalf("%+v", r)
		}
	}
	rows := readCSV(t, filepath.Join(dir, "out.csv"))
	if len(rows) != 25 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		n := strings.TrimPrefix(row["id"], "T-")
		if row["status"] != "succeeded" || row["text"] == "" || row["lang"] != "d,"+n || row["meta.text"] != `=ticket "`+n+`"` || row["meta.id"] != row["id"] {
			t.Errorf("%q", row)
		}
	}
	want, err := os.ReadFile(filepath.Join(dir, "out.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if r := runCommand(t, dir, withKey, "results", "--out", "again.csv"); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "again.csv")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("another file, %v: %s", err, got)
	}
	if r := runCommand(t, dir, withKey, "results", "--output-format", "csv"); r.code != exitOK || r.stdout != string(want) {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, append(args, "--keep-fields", "lang")...); r.code != exitUsage {
		t.Errorf("another form is taken: %+v", r)
	}
}

func TestRunWritesAFileForEachRow(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", `{"id":"a/1","lang":"de","text":"x"}`, `{"id":"B","text":"y","n":1.50}`, `{"id":"b","text":"z"}`)
	args := runArgs(server, "in.jsonl", "--out", "out/", "--model", "m", "--prompt", "{{.text}}", "--keep-fields", "lang,n")
	for range 2 {
		if r := runCommand(t, dir, withKey, args...); r.code != exitOK || !r.says("succeeded 3") {
			t.Fatalf("%+v", r)
		}
	}
	if r := runCommand(t, dir, withKey, "results", "--out", "again/"); r.code != exitOK || !strings.Contains(r.stderr, "3 results") {
		t.Fatalf("%+v", r)
	}
	for id, meta := range map[string]string{"a/1": `{"lang":"de"}`, "B": `{"n":1.50}`, "b": `{}`} {
		b, err := os.ReadFile(filepath.Join(dir, "out", durable.FileName(id)))
		again, errAgain := os.ReadFile(filepath.Join(dir, "again", durable.FileName(id)))
		if err != nil || errAgain != nil || !bytes.Equal(again, b) {
			t.Errorf("%s: %v, %v", id, err, errAgain)
		}
		var r durable.Result
		if json.Unmarshal(b, &r) != nil || r.ID != id || string(r.Meta) != meta || r.Text == "" {
			t.Errorf("%s: %s", id, b)
		}
	}
	writeFile(t, dir, "other.jsonl", `{"id":"c","text":"x"}`)
	if r := runCommand(t, dir, withKey, append(args[:1:1], append([]string{"other.jsonl"}, args[2:]...)...)...); r.code != exitUsage || !strings.Contains(r.stderr, "not of this job") {
		t.Errorf("the directory of another run is taken: %+v", r)
	}
}

// In the order of the input, the results are there whole or not at all, and the
// same each time.
func TestRunWritesInTheOrderOfTheInput(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	lines := []string{"id,text,p"}
	for i := range 40 {
		lines = append(lines, fmt.Sprintf("t-%d,text %d,%d", i, i, i)) // the last one leaves first
	}
	writeFile(t, dir, "in.csv", lines...)
	args := runArgs(server, "in.csv", "--out", "out.csv", "--model", "m", "--prompt", "{{.text}}", "--batch-size", "9", "--priority-field", "p", "--ordered")
	writeFile(t, dir, "out.csv", "somebody's")
	if r := runCommand(t, dir, withKey, args...); r.code != exitUsage || !strings.Contains(r.stderr, "not of this run") || len(server.Batches()) > 0 {
		t.Fatalf("%+v", r)
	}
	if err := os.Remove(filepath.Join(dir, "out.csv")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if r := runCommand(t, dir, withKey, args...); r.code != exitOK || !r.says("succeeded 40") {
			t.Fatalf("%+v", r)
		}
	}
	rows := readCSV(t, filepath.Join(dir, "out.csv"))
	if !slices.EqualFunc(rows, lines[1:], func(row map[string]string, line string) bool { return strings.HasPrefix(line, row["id"]+",") }) {
		t.Errorf("%q", rows)
	}
	writeFile(t, dir, "out.csv", "edited")
	if r := runCommand(t, dir, withKey, args...); r.code != exitUsage || !strings.Contains(r.stderr, "baler results in --out") {
		t.Errorf("%+v", r)
	}
	if err := os.Remove(filepath.Join(dir, "out.csv")); err != nil {
		t.Fatal(err)
	}
	if r := runCommand(t, dir, nil, "prune", "in"); r.code != exitUsage || !strings.Contains(r.stderr, "run it again first") {
		t.Errorf("results that were not written are pruned: %+v", r)
	}
	if r := runCommand(t, dir, withKey, args...); r.code != exitOK {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, nil, "prune", "in"); r.code != exitOK {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, args...); r.code != exitOK || len(readCSV(t, filepath.Join(dir, "out.csv"))) != 40 {
		t.Errorf("a pruned run is not finished: %+v", r)
	}
}

func TestFormsThatCannotBeAreExplained(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", `{"id":"a","text":"x"}`, `{"id":"b","text":"y","more":"z"}`)
	writeFile(t, dir, "large.jsonl", `{"id":"a","text":"x"}`, `{"id":"b","text":"`+strings.Repeat("y", 5000)+`"}`)
	for _, test := range []struct {
		want string
		args []string
	}{
		{`must be jsonl, csv or json-dir`, []string{"in.jsonl", "--out", "o", "--output-format", "xml"}},
		{`pipe what "baler results --output-format csv" prints`, []string{"in.jsonl", "--out", "-", "--output-format", "csv"}},
		{`pipe what "baler results --ordered" prints`, []string{"in.jsonl", "--out", os.DevNull, "--ordered"}},
		{"a directory has no order", []string{"in.jsonl", "--out", "o/", "--ordered"}},
		{"name no other", []string{"in.jsonl", "--out", "o", "--keep-fields", "all,id"}},
		{`in.jsonl:2: field "more" has no column`, []string{"in.jsonl", "--out", "o.csv", "--keep-fields", "all"}},
		{"names two columns alike", []string{"in.jsonl", "--out", "o.csv", "--keep-fields", "x,x"}},
		{"large.jsonl:2: --keep-fields keeps 5,", []string{"large.jsonl", "--out", "o", "--keep-fields", "text"}},
	} {
		r := runCommand(t, dir, withKey, append([]string{"plan", "--model", "m", "--prompt", "{{.text}}"}, test.args...)...)
		if r.code != exitUsage || !strings.Contains(r.stderr, test.want) {
			t.Errorf("%q: want %s: %+v", test.args, test.want, r)
		}
	}
	r := runCommand(t, dir, withKey, "plan", "in.jsonl", "--model", "m", "--prompt", "{{.text}}", "--out", "o.csv", "--keep-fields", "lnag", "--options-field", "otps", "--ordered")
	if !strings.Contains(r.stderr, `--options-field: the first row has no field "otps"`) {
		t.Errorf("%+v", r)
	}
	routed := runCommand(t, dir, withKey, "plan", "in.jsonl", "--route", "openai/m", "--route", "openai/n", "--prompt", "{{.text}}", "--out", "o.csv",
		"--tenant-field", "tennant", "--priority-field", "prio", "--route-field", "gener", "--route-map", "a=m,*=n")
	for _, want := range []string{`--tenant-field: the first row has no field "tennant"`, `--priority-field: the first row has no field "prio"`, `--route-field: the first row has no field "gener"`} {
		if routed.code != exitOK || !strings.Contains(routed.stderr, want) {
			t.Errorf("want %s: %+v", want, routed)
		}
	}
	if r.code != exitOK || !strings.Contains(r.stderr, `no field "lnag": the row has "id", "text"`) || !r.says("results o.csv: CSV, in the order of the input, once the run has ended, with lnag") {
		t.Errorf("%+v", r)
	}
}
