package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// A file that is not there is said before anybody is asked, and leaves no run.
func TestRunWithoutItsInput(t *testing.T) {
	dir := t.TempDir()
	r := runCommand(t, dir, withKey, "run", "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}",
		"--base-url", "http://127.0.0.1:1/v1")
	if r.code != exitUsage || !strings.Contains(r.stderr, "in.jsonl: no such file") {
		t.Errorf("%+v", r)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// So is what is wrong with the first rows, or with all of them.
func TestTheFirstRowsAreCheckedBeforeAnybodyIsAsked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rows []string
		args []string
		want string
	}{
		"a field of the prompt": {tickets(3), []string{"--prompt", "{{.body}}"}, "in.jsonl:1: "},
		"an unknown --id":       {tickets(3), []string{"--prompt", "{{.text}}", "--id", "number"}, `in.jsonl:1: field "number" is missing`},
		"a malformed row":       {append(tickets(3), `{"id":`), []string{"--prompt", "{{.text}}"}, "in.jsonl:4: "},
		"no batch format":       {tickets(3), nil, `in.jsonl:1: field "custom_id" is missing`},
		"empty":                 {nil, []string{"--prompt", "{{.text}}"}, "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, dir, "in.jsonl", test.rows...)
			if test.rows == nil {
				if err := os.Truncate(filepath.Join(dir, "in.jsonl"), 0); err != nil {
					t.Fatal(err)
				}
			}
			args := []string{"run", "in.jsonl", "--out", "out.jsonl", "--model", "m", "--base-url", "http://127.0.0.1:1/v1"}
			r := runCommand(t, dir, withKey, append(args, test.args...)...)
			if r.code != exitUsage || !strings.Contains(r.stderr, test.want) {
				t.Errorf("%+v", r)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// Of a run that has read its input, what matters is that it is the same.
func TestARunThatHasReadItsInputIsNotChecked(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(30)...)
	args := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")
	if r := runCommand(t, dir, withKey, append(args, "--ingest")...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	writeFile(t, dir, "in.jsonl", `{"id":`)
	if r := runCommand(t, dir, withKey, args...); r.code != exitUsage || !strings.Contains(r.stderr, "the file has changed since it was read") {
		t.Errorf("%+v", r)
	}
}

// All that a command lacks is named at once, and nothing else.
func TestAllThatIsMissingIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	writeFile(t, dir, "job.yaml", "prompt: '{{.text}}'")
	all := []string{"INPUT (", "--out (", "--prompt (", "--model ("}
	for args, want := range map[string][]string{
		"run":                               all,
		"run --prompt x":                    {"INPUT (", "--out (", "--model ("},
		"run in.jsonl --prompt x":           {"--out (", "--model ("},
		"run in.jsonl --prompt x --out o":   {"--model ("},
		"run in.jsonl --prompt x --model m": {"--out ("},
		"run in.jsonl --route a=openai/m":   {"--out ("},
		"run job.yaml":                      {"INPUT (", "--out (", "--model ("},
		"plan":                              {"INPUT (", "--prompt (", "--model ("},
		"plan in.jsonl --messages-field m":  {"--model ("},
	} {
		r := runCommand(t, dir, withKey, strings.Fields(args)...)
		for _, words := range all {
			if r.code != exitUsage || strings.Contains(r.stderr, words) != slices.Contains(want, words) {
				t.Errorf("%s: %+v, want %v", args, r, want)
			}
		}
	}
}

// So are the keys, as far as it is known already whose. What buys nothing needs
// none.
func TestMissingKeysAreNamedWithTheRest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for args, want := range map[string]string{
		"run --provider mistral":          "MISTRAL_API_KEY (",
		"run":                             "OPENAI_API_KEY, ANTHROPIC_API_KEY, ",
		"run in.jsonl --route a=gemini/m": "GEMINI_API_KEY (",
		"run in.jsonl --route a=openai/m,key=OTHER_KEY":        "OTHER_KEY (",
		"run in.jsonl --provider anthropic --prompt {{.text}}": "ANTHROPIC_API_KEY (",
		"plan --provider mistral":                              "",
	} {
		r := runCommand(t, dir, nil, strings.Fields(args)...)
		if has := strings.Contains(r.stderr, "_KEY"); r.code != exitUsage || !strings.Contains(r.stderr, want) || has != (want != "") {
			t.Errorf("%s: %+v, want %q", args, r, want)
		}
	}
}

// An error in any row is told, whether the provider answers or not.
func TestRowsAreCheckedThoughTheProviderIsDown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", append(tickets(2000), `{"id":"bad"}`)...)
	r := runCommand(t, dir, withKey, "run", "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--base-url", "http://127.0.0.1:1/v1")
	if r.code != exitUsage || !strings.Contains(r.stderr, `in.jsonl:2001: field "text" is missing`) {
		t.Errorf("%+v", r)
	}
}
