package archive_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// readJSON reads every line of a file.
func readJSON[V any](tb testing.TB, path string) (all []V) {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var v V
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		if err := d.Decode(&v); err != nil {
			tb.Fatalf("%s: %v: %s", path, err, lines.Bytes())
		}
		all = append(all, v)
	}
	return all
}

type requestLine struct {
	CustomID string          `json:"custom_id"`
	Method   string          `json:"method"`
	URL      string          `json:"url"`
	Body     json.RawMessage `json:"body"`
}

func TestExportHoldsAllThatWasAskedAndAnswered(t *testing.T) {
	t.Parallel()
	w, job := mixed(t)
	report := w.MustRun(job)
	m, err := w.Archive("tickets").Export(t.Context(), w.Path("export"), archive.Format{Codec: w.Provider.Info().Codec, Row: openai.AppendRow})
	if err != nil {
		t.Fatal(err)
	}
	var read archive.Manifest
	b, err := os.ReadFile(w.Path("export/manifest.json"))
	if err := errors.Join(err, json.Unmarshal(b, &read)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(read, m); diff != "" || m.Run != "tickets" || m.Provider != "openai" || len(m.Batches) != report.Batches {
		t.Errorf("manifest of %d batches: %s", len(m.Batches), diff)
	}
	results := w.Results()
	asked, failed := 0, 0
	for _, batch := range m.Batches {
		requests := readJSON[requestLine](t, filepath.Join(w.Path("export"), batch.Requests))
		outputs := readJSON[archive.ExportedRow](t, filepath.Join(w.Path("export"), batch.Outputs))
		if len(requests) != batch.Rows || len(outputs) != batch.Answered || batch.Answered != batch.Rows || batch.SentAt.IsZero() {
			t.Errorf("%d requests, %d outputs of %+v", len(requests), len(outputs), batch)
		}
		byID := make(map[string]requestLine)
		for _, r := range requests {
			byID[r.CustomID] = r
		}
		asked += len(requests)
		for _, o := range outputs {
			r, ok := byID[o.CustomID]
			text := "ticket number " + strings.TrimPrefix(o.ID, "t-")
			if !ok || r.Method != "POST" || r.URL != batch.Endpoint || !bytes.Contains(r.Body, []byte(text)) {
				t.Fatalf("request %+v of %s", r, o.ID)
			}
			if o.Error != nil {
				failed++
			}
			if last := results[o.ID]; last.Batch == batch.Batch && string(last.Response) != string(o.Body) {
				t.Fatalf("%s was answered %s, and exported %s", o.ID, last.Response, o.Body)
			}
		}
	}
	if asked != 1000+report.Retried || failed != report.Failed+report.Retried {
		t.Errorf("%d requests of which %d failed; report %+v", asked, failed, report)
	}
	for _, name := range []string{"export", "export/requests", "export/manifest.json", "export/" + m.Batches[0].Outputs} {
		if info, err := os.Stat(w.Path(name)); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %s, %v", name, info.Mode(), err)
		}
	}
}

// What was taken from another run is exported with the batch it came from.
func TestExportNamesTheOrigin(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.MustRunAs("one", w.Job(), durabletest.Tickets(30)...)
	w.MustRunAs("two", w.Job(), durabletest.Others(0, 30)...)
	m, err := w.Archive("two").Export(t.Context(), w.Path("export"), archive.Format{Codec: w.Provider.Info().Codec, Row: openai.AppendRow})
	if err != nil || len(m.Batches) != 1 || m.Batches[0].Batch != "" {
		t.Fatalf("%+v, %v", m, err)
	}
	for _, o := range readJSON[archive.ExportedRow](t, filepath.Join(w.Path("export"), m.Batches[0].Outputs)) {
		if o.Origin != w.Server.Batches()[0].ID || len(o.Body) == 0 {
			t.Errorf("%+v", o)
		}
	}
}

func TestExportTakesAnEmptyDirectory(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(3)...)
	w.MustRun(w.Job())
	if _, err := w.Archive("tickets").Export(t.Context(), w.Dir, archive.Format{Codec: w.Provider.Info().Codec, Row: openai.AppendRow}); err == nil || !strings.Contains(err.Error(), "choose a directory") {
		t.Errorf("error %v", err)
	}
}

// The export says why a batch was refused, and which ones were, though another
// one of the same rows ran.
func TestExportHasTheErrorsOfBatches(t *testing.T) {
	t.Parallel()
	odd := simulator.BatchError{Code: "odd_reason", Message: "the moon is full"}
	for name, times := range map[string]int{"for a time": 2, "for good": -1} {
		w := durabletest.New(t, simulator.Config{Faults: []simulator.Fault{
			{Route: "POST /v1/batches", Action: simulator.ActionInvalid, Times: times, Errors: []simulator.BatchError{odd}},
		}})
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		job := w.Job()
		if times < 0 {
			job.Classes, job.Guard.PauseAbove = map[string]retry.Class{odd.Code: retry.Permanent}, 1
		}
		w.MustRun(job)
		m, err := w.Archive("tickets").Export(t.Context(), w.Path("export"), archive.Format{Codec: w.Provider.Info().Codec, Row: openai.AppendRow})
		if err != nil || len(m.Batches) != 1 {
			t.Fatalf("%s: %+v, %v", name, m, err)
		}
		switch b := m.Batches[0]; {
		case times > 0:
			if b.Refusals != times || len(b.Refused) != times || b.Error != nil || b.Answered != 3 {
				t.Errorf("%s: %+v, error %+v", name, b, b.Error)
			}
		case b.Error == nil || b.Error.Code != odd.Code || b.Error.Message != odd.Message || b.Error.Class != retry.Permanent:
			t.Errorf("%s: %+v, error %+v", name, b, b.Error)
		}
	}
}
