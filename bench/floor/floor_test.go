package floor_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/bench/floor"
	"github.com/balerhq/baler/sink/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const rows = 200

// answer repeats the question, and refuses every twentieth.
func answer(r simulator.Row) simulator.Reply {
	if strings.HasSuffix(r.Prompt(), "0!") {
		return simulator.Reply{Error: &simulator.RowError{Status: 400, Code: "invalid_prompt", Message: "No."}}
	}
	return simulator.Reply{Text: r.Prompt(), InputTokens: 7, OutputTokens: 3}
}

func question(n int) string {
	if n%20 == 0 {
		return fmt.Sprintf("Order %d0!", n)
	}
	return fmt.Sprintf(`Order %d, "quoted" <é>`, n)
}

// run answers rows against a simulator. It returns the path of the output.
func run(t *testing.T, sim simulator.Config, id func(n int) string) (counts floor.Counts, out string, err error) {
	t.Helper()
	sim.Answer = answer
	return runAs(t, sim, floor.Config{}, id)
}

// runAs is run with what cfg says of a schema.
func runAs(t *testing.T, sim simulator.Config, cfg floor.Config, id func(n int) string) (counts floor.Counts, out string, err error) {
	t.Helper()
	dir := t.TempDir()
	var in strings.Builder
	for n := range rows {
		line, err := json.Marshal(map[string]string{"id": id(n), "text": question(n)})
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	if err := os.WriteFile(filepath.Join(dir, "in.jsonl"), []byte(in.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	sim.Dir, sim.Keys = filepath.Join(dir, "provider"), []string{"sk-right"}
	out = filepath.Join(dir, "out.jsonl")
	synctest.Test(t, func(t *testing.T) {
		server, startErr := simulator.StartPipe(sim)
		if startErr != nil {
			t.Fatal(startErr)
		}
		defer server.Close()
		counts, err = floor.Run(t.Context(), floor.Config{
			URL: server.URL + "/v1", Key: "sk-right", Model: "gpt-5.4-mini", Client: server.Client(),
			In: filepath.Join(dir, "in.jsonl"), Out: out, Batch: 64, Poll: time.Second, Format: cfg.Format, Read: cfg.Read,
		})
	})
	return counts, out, err
}

func ticket(n int) string { return fmt.Sprintf("ticket-%d", n) }

func TestEveryRowIsAnsweredOnce(t *testing.T) {
	counts, path, err := run(t, simulator.Config{Latency: simulator.Latency{Processing: time.Minute}}, ticket)
	if err != nil {
		t.Fatal(err)
	}
	if want := (floor.Counts{Rows: rows, Batches: 4, Succeeded: 190, Failed: 10}); counts != want {
		t.Errorf("%+v, want %+v", counts, want)
	}
	type result struct {
		ID, Text, Model string
		Usage           map[string]int
		Error           *struct{ Code string }
	}
	results := map[string]result{}
	for _, line := range linesOf(t, path) {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if _, twice := results[r.ID]; twice {
			t.Errorf("%s is answered twice", r.ID)
		}
		results[r.ID] = r
	}
	if len(results) != rows {
		t.Errorf("%d results", len(results))
	}
	for n := range rows {
		r := results[ticket(n)]
		if n%20 == 0 {
			if r.Error == nil || r.Error.Code != "invalid_prompt" || r.Text != "" {
				t.Errorf("row %d: %+v", n, r)
			}
			continue
		}
		if r.Error != nil || r.Text != "Summarise: "+question(n) || r.Model == "" ||
			r.Usage["prompt_tokens"] != 7 || r.Usage["completion_tokens"] != 3 {
			t.Errorf("row %d: %+v", n, r)
		}
	}
}

// A figure of a run that lost or mixed up rows would be worth nothing.
func TestWrongAnswersEndTheRun(t *testing.T) {
	for name, test := range map[string]struct {
		sim  simulator.Config
		id   func(int) string
		want string
	}{
		"a row without an answer": {simulator.Config{Rows: simulator.RowFaults{Missing: 0.05}}, ticket, "rows were not answered"},
		"a second answer":         {simulator.Config{Rows: simulator.RowFaults{Repeated: 0.05}}, ticket, "a second result"},
		"a foreign answer":        {simulator.Config{Rows: simulator.RowFaults{Foreign: 0.05}}, ticket, "that was not sent"},
		"an id used twice":        {simulator.Config{}, func(n int) string { return ticket(n % 150) }, "used twice"},
		"a row without an id":     {simulator.Config{}, func(int) string { return "" }, "is empty"},
		"a refused upload": {simulator.Config{Faults: []simulator.Fault{
			{Route: "POST /v1/files", From: 2, Action: simulator.ActionFail},
		}}, ticket, "POST /files: 500"},
		"a batch that failed": {simulator.Config{Faults: []simulator.Fault{
			{Route: "POST /v1/batches", From: 2, Action: simulator.ActionInvalid},
		}}, ticket, "is failed"},
	} {
		t.Run(name, func(t *testing.T) {
			if counts, _, err := run(t, test.sim, test.id); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%+v, error %v, want %q", counts, err, test.want)
			}
		})
	}
}

func linesOf(t *testing.T, path string) (lines []string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	scanner := bufio.NewScanner(f)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// With a schema each answer is read into its type, and fails if it cannot be.
func TestAnswersAreReadIntoAType(t *testing.T) {
	type about struct{ Text string }
	cfg := floor.Config{
		Format: json.RawMessage(`{"type":"json_schema","json_schema":{"name":"about","strict":true,"schema":{"type":"object",` +
			`"properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false}}}`),
		Read: func(answer []byte) error { return json.Unmarshal(answer, new(about)) },
	}
	broken := func(r simulator.Row) simulator.Reply {
		if strings.HasSuffix(r.Prompt(), "0!") {
			return simulator.Reply{Text: `{"text":7}`}
		}
		return simulator.Echo(r)
	}
	counts, path, err := runAs(t, simulator.Config{Answer: broken}, cfg, ticket)
	if want := (floor.Counts{Rows: rows, Batches: 4, Succeeded: 190, Failed: 10}); err != nil || counts != want {
		t.Fatalf("%+v, %v", counts, err)
	}
	for _, line := range linesOf(t, path) {
		var r struct {
			ID    string
			Value about
			Error *struct{ Code string }
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil || (r.Value.Text == "") != (r.Error != nil) || r.Error != nil && r.Error.Code != "invalid_answer" {
			t.Errorf("%s: %v", line, err)
		}
	}
}
