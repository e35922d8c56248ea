package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/cmd/baler/internal/jobfile"
	"github.com/balerhq/baler/sink/simulator"
)

// The command line wins over the environment, and that over the file.
func TestAJobFileIsRunAndOverridden(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	writeFile(t, dir, "job.yaml",
		"input: in.jsonl", "out: out.jsonl", "model: of-the-file", "system: of the file",
		"prompt: |", "  Say", "  {{.text}}", "batch-size: 2", "keep-fields: [text]", "option: {top_p: 0.5}")
	env := slices.Concat(withKey, []string{"BALER_MODEL=of-the-environment", "BALER_SYSTEM=of the environment"})
	r := runCommand(t, dir, env, "run", "job.yaml", "--model", "of-the-flag", "--poll", "5ms", "--base-url", server.URL+"/v1")
	if r.code != exitOK || !r.says("succeeded 3") {
		t.Fatalf("%+v", r)
	}
	if n := len(server.Batches()); n != 2 {
		t.Errorf("%d batches, want 2 of at most two rows", n)
	}
	var export result
	if export = runCommand(t, dir, withKey, "export", "in", "--dir", "sent"); export.code != exitOK {
		t.Fatalf("%+v", export)
	}
	sent := readAll(t, filepath.Join(dir, "sent"))
	for _, want := range []string{"of-the-flag", "of the environment", `Say\nI was charged`, `"top_p":0.5`} {
		if !strings.Contains(sent, want) {
			t.Errorf("%q was not sent: %.400s", want, sent)
		}
	}
	if strings.Contains(sent, "of-the-file") || strings.Contains(sent, "of the file") {
		t.Errorf("the file wins: %.400s", sent)
	}
}

func readAll(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// The second stage takes what the first one wrote. Run again, nothing is left.
func TestStagesRunOneAfterTheOther(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	writeFile(t, dir, "job.yml",
		"model: m", "stages:",
		"  - {input: in.jsonl, out: first.jsonl, prompt: 'One: {{.text}}'}",
		"  - {out: second.jsonl, prompt: 'Two: {{.text}}', name: last}")
	args := runArgs(server, "job.yml")
	for range 2 {
		r := runCommand(t, dir, withKey, args...)
		if r.code != exitOK || !strings.Contains(r.stderr, "stage 1 of 2: in\n") || !strings.Contains(r.stderr, "stage 2 of 2: last\n") {
			t.Fatalf("%+v", r)
		}
	}
	for id, row := range readResults(t, filepath.Join(dir, "second.jsonl")) {
		if !strings.Contains(row.Text, "Two: ") || !strings.Contains(row.Text, "One: I was charged") {
			t.Errorf("%s: %q", id, row.Text)
		}
	}
	if n := len(server.Batches()); n != 2 {
		t.Errorf("%d batches, want one for each stage", n)
	}
	if r := runCommand(t, dir, withKey, "plan", "job.yml", "--stage", "last"); r.code != exitOK || !r.says("rows 3") {
		t.Errorf("plan of the second stage: %+v", r)
	}
}

func TestMistakesInAJobFileCostNothing(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	one := []string{"input: in.jsonl", "out: out.jsonl", "model: m", "prompt: '{{.text}}'"}
	for name, c := range map[string]struct {
		lines []string
		args  []string
		want  string
	}{
		"a wrong name":      {lines: append(slices.Clone(one), "batch-sise: 5"), want: `job.yaml:5:1: "batch-sise" is no option: did you mean "batch-size"?`},
		"a wrong value":     {lines: append(slices.Clone(one), "cache: often"), want: `job.yaml:5:1: cache is wrong`},
		"a key":             {lines: append(slices.Clone(one), "openai_api_key: sk-secret"), want: `"openai_api_key" is no option: a key stays out of the file`},
		"no input":          {lines: one[1:], want: "run job.yaml lacks INPUT"},
		"the second stage":  {lines: []string{"model: m", "stages:", "  - {input: in.jsonl, out: a.jsonl, prompt: x}", "  - {out: b.jsonl, cache: often}"}, want: "job.yaml:4:20: cache is wrong"},
		"no output to read": {lines: []string{"model: m", "prompt: x", "stages:", "  - {input: in.jsonl, out: '-'}", "  - {out: b.jsonl}"}, want: "job.yaml:5:6: has no input"},
		"one name twice":    {lines: []string{"model: m", "prompt: x", "stages:", "  - {input: in.jsonl, out: a.jsonl}", "  - {input: in.jsonl, out: b.jsonl}"}, want: `job.yaml:5:6: stages 1 and 2 are both called "in"`},
		"an unknown stage":  {lines: one, args: []string{"--stage", "other"}, want: `--stage is "other": job.yaml has in`},
		"an output for all": {lines: []string{"model: m", "prompt: x", "stages:", "  - {input: in.jsonl, out: a.jsonl}", "  - {out: b.jsonl}"}, args: []string{"--out", "x"}, want: "--out is given for all stages"},
	} {
		writeFile(t, dir, "job.yaml", c.lines...)
		r := runCommand(t, dir, withKey, runArgs(server, append([]string{"job.yaml"}, c.args...)...)...)
		if r.code != exitUsage || !strings.Contains(r.stderr, c.want) || strings.Contains(r.stderr, "sk-secret") {
			t.Errorf("%s: %d, %s, want %q", name, r.code, r.stderr, c.want)
		}
	}
	if n := len(server.Batches()); n != 0 {
		t.Errorf("%d batches were bought", n)
	}
}

// What init writes is what its flags say, whatever they are.
func TestInitWritesWhatItsFlagsSay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	flags := []string{
		"--out", "out.jsonl", "--model", "m", "--prompt", "Say\n{{.text}}\n", "--option", "top_p=0.5", "--option", "stop=a,b", "--max-tokens", "7", "--temperature", "0.1",
		"--class", "a=retryable", "--class", "b=blocked", "--route-map", "x=y", "--keep-fields", "a,b", "--file", "{{.a}}", "--file", "{{.b}}",
		"--batch-size", "5", "--fresh", "--poll", "1m30s", "--keep-remote", "--pause-above", "50%", "--tenant-weight", "a=3",
	}
	if r := runCommand(t, dir, nil, append([]string{"init", "a.jsonl", "b, c.jsonl"}, flags...)...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	data, err := os.ReadFile(filepath.Join(dir, "job.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	given, read := newRun(), newRun()
	if err := given.ParseFlags(flags); err != nil {
		t.Fatal(err)
	}
	stages, err := jobfile.Parse("job.yaml", data, optionsOf(read), aboutSecret)
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	if err := setFlags(read, stages[0].Values); err != nil {
		t.Fatal(err)
	}
	for _, o := range optionsOf(given) {
		g, r := given.Flag(o.Name), read.Flag(o.Name)
		if g.Changed != r.Changed || g.Value.String() != r.Value.String() {
			t.Errorf("%s is %q (%t), want %q (%t)", o.Name, r.Value, r.Changed, g.Value, g.Changed)
		}
	}
	if want := []string{"a.jsonl", "b, c.jsonl"}; !slices.Equal(stages[0].Inputs, want) {
		t.Errorf("inputs %q, want %q", stages[0].Inputs, want)
	}
	if r := runCommand(t, dir, nil, "init"); r.code != exitUsage || !strings.Contains(r.stderr, "job.yaml is there already") {
		t.Errorf("a second init: %+v", r)
	}
	if again, err := os.ReadFile(filepath.Join(dir, "job.yaml")); err != nil || !bytes.Equal(again, data) {
		t.Error("the file was written over")
	}
}

func TestVariablesOfAFile(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(1)...)
	args := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--env-file", "keys.env")
	for _, c := range []struct {
		lines []string
		code  int
		want  string
	}{
		{nil, exitUsage, keyVariable},
		{[]string{"sk-secret"}, exitUsage, "keys.env:1: must be NAME=value"},
		{[]string{"", `A="sk-secret`}, exitUsage, "keys.env:2: the value of A begins with a quote"},
		{[]string{"# keys", "", `export OPENAI_API_KEY="sk-secret"`}, exitOK, ""},
	} {
		writeFile(t, dir, "keys.env", c.lines...)
		r := runCommand(t, dir, nil, args...)
		if r.code != c.code || !strings.Contains(r.stderr, c.want) || strings.Contains(r.stderr+r.stdout, "sk-secret") {
			t.Errorf("%q: %+v, want %d and %q", c.lines, r, c.code, c.want)
		}
	}
}
