package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/simulator"
)

// fast are flags for a simulator that answers at once.
var fast = []string{"--poll", "5ms", "--grace", "1s", "--batch-size", "100"}

func runArgs(server *simulator.Server, args ...string) []string {
	all := append([]string{"run"}, args...)
	all = append(all, fast...)
	return append(all, "--base-url", server.URL+"/v1")
}

func TestRunWritesOneLinePerRow(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", append(tickets(250), `{"text":"no id, and <ümläuts> & 漢字"}`)...)
	args := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "gpt-test", "--prompt", "Summarise: {{.text}}")

	r := runCommand(t, dir, withKey, args...)
	if r.code != exitOK || !r.says("succeeded 251") {
		t.Fatalf("%+v", r)
	}
	got := readResults(t, filepath.Join(dir, "out.jsonl"))
	if len(got) != 251 {
		t.Fatalf("%d results", len(got))
	}
	if row := got["line:251"]; row.Status != "succeeded" || !strings.Contains(row.Text, "<ümläuts> & 漢字") {
		t.Errorf("the row without an id: %+v", row)
	}

	r = runCommand(t, dir, withKey, args...)
	if r.code != exitOK || !r.says("from cache 251") {
		t.Errorf("again: %+v", r)
	}
	if n := len(server.Batches()); n != 3 {
		t.Errorf("%d batches", n)
	}
}

func TestRunReadsCSV(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.csv", "\ufeffnumber,text", `7,"two, and`+"\n"+`two lines"`, `8,three`)
	r := runCommand(t, dir, withKey, runArgs(server, "in.csv", "--out", "out.jsonl", "--model", "m", "--id", "number", "--prompt", "{{.text}}")...)
	if r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	got := readResults(t, filepath.Join(dir, "out.jsonl"))
	if len(got) != 2 || !strings.Contains(got["7"].Text, "two, and") || !strings.Contains(got["8"].Text, "three") {
		t.Errorf("%+v", got)
	}
}

// The body of a row in batch format may get its members in another order, and
// that is all.
func TestRunPassesBatchRowsOn(t *testing.T) {
	var body string
	server := startSimulator(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		body = string(r.Body)
		return simulator.Reply{Text: "ok"}
	}})
	dir := t.TempDir()
	const request = `{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"1.0 < 2"}],"seed":9007199254740993}`
	writeFile(t, dir, "in.jsonl", `{"custom_id":"row 1","method":"POST","url":"/v1/chat/completions","body":`+request+`}`)
	r := runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl")...)
	same := jsontext.Value(request)
	if err := same.Canonicalize(jsontext.CanonicalizeRawInts(false)); err != nil {
		t.Fatal(err)
	}
	if r.code != exitOK || body != string(same) {
		t.Errorf("%+v, body %s", r, body)
	}
	if _, ok := readResults(t, filepath.Join(dir, "out.jsonl"))["row 1"]; !ok {
		t.Error("the row has lost its id")
	}
}

func TestRunReportsFailedRows(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", append(tickets(20), `{"id":"bad","text":"[[400]]"}`)...)
	r := runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")...)
	if r.code != exitFailed || !r.says("failed 1") {
		t.Errorf("%+v", r)
	}
	row := readResults(t, filepath.Join(dir, "out.jsonl"))["bad"]
	if row.Status != "failed" || row.Error == nil || row.Error.Message == "" || row.Error.Class.String() != "permanent" {
		t.Errorf("%+v", row)
	}
}

func TestClassOfACodeCanBeGiven(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		if strings.Contains(string(r.Body), "overload") {
			return simulator.Reply{Error: &simulator.RowError{Status: 503, Code: "model_overloaded", Message: "no"}}
		}
		return simulator.Echo(r)
	}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", append(tickets(3), `{"id":"bad","text":"overload"}`)...)
	first := runCommand(t, dir, withKey, ask(server, "out.jsonl", "--name", "first", "--retries", "1")...)
	bad := readResults(t, filepath.Join(dir, "out.jsonl"))["bad"]
	if first.code != exitFailed || bad.Attempts != 2 || bad.Error == nil || bad.Error.Class != retry.Retryable {
		t.Fatalf("%+v: %+v", first, bad)
	}
	second := runCommand(t, dir, withKey,
		ask(server, "again.jsonl", "--name", "second", "--retries", "1", "--no-cache", "--class", "other=blocked", "--class", "model_overloaded=permanent")...)
	again := readResults(t, filepath.Join(dir, "again.jsonl"))["bad"]
	if second.code != exitFailed || again.Attempts != 1 || again.Error.Class != retry.Permanent || again.Error.Code != "model_overloaded" {
		t.Errorf("%+v: %+v", second, again)
	}
}

// Every mistake is named, with file, line and field, and nothing is submitted.
func TestRunRefusesBadInput(t *testing.T) {
	broken := append(tickets(516), `{"id":"t-516","text":`)
	nofield := append(tickets(9), `{"id":"x","body":"y"}`)
	invalid := append(tickets(3), "{\"id\":\"x\",\"text\":\"caf\xe9\"}")
	conflict := append(tickets(40), `{"id":"t-7","text":"other"}`)
	for name, test := range map[string]struct {
		lines []string // nil: no file
		env   []string
		args  []string
		want  []string
	}{
		"missing file":      {want: []string{"in.jsonl", "no such file"}},
		"empty file":        {lines: []string{}, want: []string{"in.jsonl", "empty"}},
		"blank lines":       {lines: []string{"", ""}, want: []string{"in.jsonl", "no rows"}},
		"broken JSON":       {lines: broken, want: []string{"in.jsonl:517", "column", "not valid JSON"}},
		"not an object":     {lines: []string{`["a"]`}, want: []string{"in.jsonl:1", "not a JSON object"}},
		"missing field":     {lines: nofield, want: []string{"in.jsonl:10", `"text"`, "{{.text}}"}},
		"invalid UTF-8":     {lines: invalid, want: []string{"in.jsonl:4", "column", "UTF-8"}},
		"duplicate id":      {lines: conflict, want: []string{"in.jsonl:41", `"t-7"`, "line 8"}},
		"wrong key":         {lines: tickets(3), env: []string{"OPENAI_API_KEY=sk-wrong"}, want: []string{"401", "OPENAI_API_KEY"}},
		"no key":            {lines: tickets(3), env: []string{"A=b"}, want: []string{"OPENAI_API_KEY is not set"}},
		"unknown flag":      {lines: tickets(3), args: []string{"--modell", "x"}, want: []string{"--modell"}},
		"unknown provider":  {lines: tickets(3), args: []string{"--provider", "x"}, want: []string{"--provider", `"x"`}},
		"broken template":   {lines: tickets(3), args: []string{"--prompt", "{{.text"}, want: []string{"--prompt"}},
		"no class":          {lines: tickets(3), args: []string{"--class", "odd"}, want: []string{"--class", "CODE=CLASS"}},
		"odd class":         {lines: tickets(3), args: []string{"--class", "odd=fatal"}, want: []string{"--class", `"odd" is "fatal"`, "blocked"}},
		"ambiguous class":   {lines: tickets(3), args: []string{"--class", "odd=ambiguous"}, want: []string{"--class", "retryable, permanent or blocked"}},
		"two classes":       {lines: tickets(3), args: []string{"--class", "odd=blocked", "--class", "odd=permanent"}, want: []string{"--class", "both blocked and permanent"}},
		"batch size":        {lines: tickets(3), args: []string{"--batch-size", "0"}, want: []string{"--batch-size"}},
		"rows per request":  {lines: tickets(3), args: []string{"--rows-per-request", "0"}, want: []string{"--rows-per-request"}},
		"no room":           {lines: tickets(3), args: []string{"--enqueued-tokens", "0"}, want: []string{"--enqueued-tokens"}},
		"a negative room":   {lines: tickets(3), args: []string{"--enqueued-rows", "-1"}, want: []string{"--enqueued-rows"}},
		"no batch tokens":   {lines: tickets(3), args: []string{"--batch-tokens", "0"}, want: []string{"--batch-tokens"}},
		"larger than room":  {lines: tickets(3), args: []string{"--enqueued-tokens", "1"}, want: []string{"in.jsonl:1", "tokens"}},
		"no creates":        {lines: tickets(3), args: []string{"--creates-per-hour", "0"}, want: []string{"--creates-per-hour"}},
		"negative uploads":  {lines: tickets(3), args: []string{"--uploads-per-second", "-1"}, want: []string{"--uploads-per-second"}},
		"no polls":          {lines: tickets(3), args: []string{"--polls-per-second", "0"}, want: []string{"--polls-per-second"}},
		"no transfers":      {lines: tickets(3), args: []string{"--transfers", "0"}, want: []string{"--transfers"}},
		"insecure base URL": {lines: tickets(3), args: []string{"--base-url", "http://example.com/v1"}, want: []string{"https"}},
		"not batch format":  {lines: tickets(3), args: []string{"--prompt", ""}, want: []string{"in.jsonl:1", "custom_id"}},
		"odd custom_id":     {lines: []string{`{"custom_id":7,"method":"POST"}`}, args: []string{"--prompt", ""}, want: []string{"in.jsonl:1", `"custom_id" is a number and must be a text`}},
		"id and no prompt":  {lines: tickets(3), args: []string{"--prompt", "", "--id", "number"}, want: []string{"--id", "custom_id"}},
		"odd id":            {lines: []string{`{"id":[1],"text":"a"}`}, want: []string{"in.jsonl:1", `"id"`, "text or a number"}},
		"no model":          {lines: tickets(3), args: []string{"--model", ""}, want: []string{"--model"}},
		"a second input":    {lines: tickets(3), args: []string{"other.jsonl"}, want: []string{"other.jsonl: no such file"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, dir := startSimulator(t, simulator.Config{Keys: []string{"sk-test-canary"}}), t.TempDir()
			if test.lines != nil {
				writeFile(t, dir, "in.jsonl", test.lines...)
			}
			env := test.env
			if env == nil {
				env = withKey
			}
			args := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}")
			r := runCommand(t, dir, env, append(args, test.args...)...)
			if r.code != exitUsage {
				t.Errorf("exit code %d", r.code)
			}
			for _, want := range test.want {
				if !strings.Contains(r.stderr, want) {
					t.Errorf("%q does not mention %q", r.stderr, want)
				}
			}
			if n := len(server.Batches()); n != 0 {
				t.Errorf("%d batches were created", n)
			}
			if _, err := os.Stat(filepath.Join(dir, "out.jsonl")); err == nil {
				t.Error("an output was left behind")
			}
		})
	}
}

// A mistake that was mended does not need another state directory.
func TestRunAgainAfterMendingTheInput(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	args := append(runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m"), "--prompt")
	writeFile(t, dir, "in.jsonl", append(tickets(2000), `{`)...)
	if r := runCommand(t, dir, withKey, append(args, "{{.txt}}")...); r.code != exitUsage {
		t.Fatalf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, append(args, "{{.text}}")...); r.code != exitUsage {
		t.Fatalf("%+v", r)
	}
	writeFile(t, dir, "in.jsonl", tickets(2000)...)
	if r := runCommand(t, dir, withKey, append(args, "{{.text}}")...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
}

func TestRunRefusesBadState(t *testing.T) {
	server := startSimulator(t, simulator.Config{})
	prepare := func(t *testing.T) (dir string, args []string) {
		t.Helper()
		dir = t.TempDir()
		writeFile(t, dir, "in.jsonl", tickets(3)...)
		return dir, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--state", "state", "--name", "run")
	}
	refused := func(t *testing.T, dir string, args []string, want ...string) {
		t.Helper()
		r := runCommand(t, dir, withKey, args...)
		if r.code != exitUsage {
			t.Errorf("exit code %d", r.code)
		}
		for _, w := range want {
			if !strings.Contains(r.stderr, w) {
				t.Errorf("%q does not mention %q", r.stderr, w)
			}
		}
	}
	t.Run("of another job", func(t *testing.T) {
		dir, args := prepare(t)
		if r := runCommand(t, dir, withKey, args...); r.code != exitOK {
			t.Fatalf("%+v", r)
		}
		before := len(server.Batches())
		writeFile(t, dir, "other.jsonl", tickets(4)...)
		args[1] = "other.jsonl"
		refused(t, dir, args, "another input", "state")
		args[1] = "in.jsonl"
		refused(t, dir, append(args, "--prompt", "Translate: {{.text}}"), "--prompt")
		writeFile(t, dir, "in.jsonl", tickets(5)...)
		refused(t, dir, args, "in.jsonl", "has changed")
		if n := len(server.Batches()); n != before {
			t.Errorf("%d batches were created", n-before)
		}
	})
	t.Run("open to others", func(t *testing.T) {
		dir, args := prepare(t)
		if err := os.Mkdir(filepath.Join(dir, "state"), 0o755); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, args, "chmod 700")
	})
	t.Run("unreadable", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root can read everything")
		}
		dir, args := prepare(t)
		if err := os.Mkdir(filepath.Join(dir, "state"), 0); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, args, "permission denied")
	})
	t.Run("in use", func(t *testing.T) {
		dir, args := prepare(t)
		store, err := state.Open(filepath.Join(dir, "state"), state.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		r := runCommand(t, dir, withKey, args...)
		if r.code != exitResumable || !strings.Contains(r.stderr, "is open in another process") {
			t.Errorf("%+v", r) // the same command will do, later
		}
	})
	t.Run("a file", func(t *testing.T) {
		dir, args := prepare(t)
		writeFile(t, dir, "state", "x")
		refused(t, dir, args, "not a directory")
	})
	t.Run("with an output of something else", func(t *testing.T) {
		dir, args := prepare(t)
		writeFile(t, dir, "out.jsonl", "precious")
		refused(t, dir, args, "out.jsonl", "move it away")
		b, err := os.ReadFile(filepath.Join(dir, "out.jsonl"))
		if err != nil || string(b) != "precious\n" {
			t.Errorf("the output now holds %q, %v", b, err)
		}
	})
}

func TestVerboseTellsOfBatches(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(3)...)
	r := runCommand(t, dir, withKey, append(runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}"), "--verbose")...)
	if r.code != exitOK || !strings.Contains(r.stderr, "state=submitted") || strings.Contains(r.stderr, "badger") {
		t.Errorf("%+v", r)
	}
}

// The key is in no file, and in no output of the command.
func TestRunKeepsTheKeySecret(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(30)...)
	r := runCommand(t, dir, withKey, append(runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}"), "--verbose")...)
	if r.code != exitOK || strings.Contains(r.stdout+r.stderr, "canary") {
		t.Errorf("%+v", r)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), "canary") {
			t.Errorf("%s holds the key", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// The rows that are in no batch yet go to another model, if the run is resumed
// with one. Status and summary say who answered.
func TestARunIsResumedWithAnotherModel(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(250)...)
	flags := func(model string) []string {
		return runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", model, "--prompt", "{{.text}}", "--max-in-flight", "1")
	}
	if err := server.SetFaults(simulator.Fault{Route: "POST /v1/batches", From: 2, Action: simulator.ActionFail, Status: 401, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if r := runCommand(t, dir, withKey, flags("small")...); r.code == exitOK {
		t.Fatalf("%+v", r)
	}
	r := runCommand(t, dir, withKey, flags("large")...)
	if r.code != exitOK || !r.says("by small at openai: 200 rows") || !r.says("by large at openai: 50 rows") {
		t.Errorf("%+v", r)
	}
	if s := runCommand(t, dir, nil, "status"); !s.says("by small at openai: 200 rows") || !s.says("by large at openai: 50 rows") {
		t.Errorf("%+v", s)
	}
}

// A row for another provider's endpoint becomes a chat for the model that is
// given.
func TestRunTakesRowsInOtherFormats(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl",
		`{"custom_id":"a","method":"POST","url":"/v1/messages","body":{"model":"claude-haiku-5.5","max_tokens":50,"messages":[{"role":"user","content":"parcel"}]}}`,
		`{"custom_id":"b","method":"POST","url":"/v1beta/models/gemini-3.6-flash:generateContent","body":{"contents":[{"role":"user","parts":[{"text":"invoice"}]}]}}`)
	args := runArgs(server, "in.jsonl", "--out", "out.jsonl")
	if r := runCommand(t, dir, []string{keyVariable + "=sk-test"}, args...); r.code != exitUsage || !strings.Contains(r.stderr, "set ANTHROPIC_API_KEY") {
		t.Errorf("%+v", r)
	}
	args = append(args, "--provider", "openai")
	if r := runCommand(t, dir, withKey, args...); r.code != exitUsage || !strings.Contains(r.stderr, "in.jsonl:1") || !strings.Contains(r.stderr, "--model") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, withKey, append(args, "--model", "gpt-test")...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	got := readResults(t, filepath.Join(dir, "out.jsonl"))
	if !strings.Contains(got["a"].Text, "parcel") || !strings.Contains(got["b"].Text, "invoice") {
		t.Errorf("%+v", got)
	}
}

// What is no part of a chat keeps a request with its provider. That is said at
// once, for each such member, and the request goes as it is.
func TestRunTellsWhatKeepsARequestWithItsProvider(t *testing.T) {
	var mu sync.Mutex
	var bodies []string
	server := startSimulator(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, string(r.Body))
		return simulator.Reply{Text: "ok"}
	}})
	dir := t.TempDir()
	row := func(id, body string) string {
		return `{"custom_id":"` + id + `","method":"POST","url":"/v1/chat/completions","body":` + body + `}`
	}
	const odd = `{"model":"m","messages":[{"role":"user","content":"hi"}],"modalities":["audio"],"fancy":1}`
	writeFile(t, dir, "in.jsonl", row("a", `{"model":"m","messages":[{"role":"user","content":"hi"}]}`), row("b", odd), row("c", odd))
	r := runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl")...)
	if r.code != exitOK || strings.Count(r.stderr, "stays with openai as it is") != 1 || !strings.Contains(r.stderr, "in.jsonl:2: ") || !slices.Contains(bodies, odd) {
		t.Errorf("%+v, bodies %q", r, bodies)
	}
}

func TestRowsMayShareRequests(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{Answer: func(simulator.Row) simulator.Reply {
		return simulator.Reply{Text: `[{"id":1,"answer":"first"},{"id":2,"answer":"second"},{"id":3,"answer":"third"}]`}
	}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(6)...)
	r := runCommand(t, dir, withKey, runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--rows-per-request", "3")...)
	if r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	got := readResults(t, filepath.Join(dir, "out.jsonl"))
	if len(got) != 6 || got["t-1"].Text != "second" || got["t-5"].Text != "third" {
		t.Errorf("%+v", got)
	}
	n := 0
	for _, err := range server.Executions() {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 2 {
		t.Errorf("%d requests", n)
	}
}
