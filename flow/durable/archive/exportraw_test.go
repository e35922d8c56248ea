package archive_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// served are the lines of result files that came whole, in any download.
type served struct {
	mu    sync.Mutex
	lines map[string]bool
}

func (s *served) wrap(next http.RoundTripper) http.RoundTripper {
	s.lines = make(map[string]bool)
	return durabletest.RoundTripper(func(r *http.Request) (*http.Response, error) {
		reply, err := next.RoundTrip(r)
		if err != nil || r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/content") {
			return reply, err
		}
		body, broken := io.ReadAll(reply.Body)
		reply.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{broken}))
		s.mu.Lock()
		defer s.mu.Unlock()
		for line := range strings.Lines(string(body)) {
			if strings.HasSuffix(line, "\n") {
				s.lines[strings.TrimSpace(strings.TrimPrefix(line, "\xef\xbb\xbf"))] = true
			}
		}
		return reply, nil
	})
}

// failing is the end of a body.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// export exports the run and returns the manifest, and the lines of the parts.
func export(w *durabletest.World) (archive.Manifest, map[sink.RawPart]map[string]bool) {
	w.T.Helper()
	dir := w.T.TempDir()
	m, err := w.Archive("tickets").Export(w.T.Context(), dir, archive.Format{Codec: w.Provider.Info().Codec, Row: openai.AppendRow})
	if err != nil {
		w.T.Fatal(err)
	}
	lines := make(map[sink.RawPart]map[string]bool)
	for _, b := range m.Batches {
		for part, name := range b.Raw {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				w.T.Fatal(err)
			}
			if lines[part] == nil {
				lines[part] = make(map[string]bool)
			}
			for line := range strings.Lines(string(text)) {
				line = strings.TrimSuffix(line, "\n")
				if lines[part][line] || !json.Valid([]byte(line)) {
					w.T.Errorf("%s of %s is there twice, or is no JSON: %s", part, b.Tag, line)
				}
				lines[part][line] = true
			}
		}
	}
	return m, lines
}

// An export has each line of the provider's files once, as it came, however
// often they were read, and though the process dies in between.
func TestExportHasTheProvidersFiles(t *testing.T) {
	t.Parallel()
	content := func(f simulator.Fault) simulator.Fault {
		f.Route = "GET /v1/files/{id}/content"
		return f
	}
	for name, faults := range map[string][]simulator.Fault{
		"as they should be": nil,
		"broken off":        {content(simulator.Fault{Action: simulator.ActionTruncate, Times: 4})},
		"cut short":         {content(simulator.Fault{Action: simulator.ActionCut, Times: 4})},
		"a mark":            {content(simulator.Fault{Action: simulator.ActionPrepend, Body: "\xef\xbb\xbf", Times: -1})},
		"a page":            {content(simulator.Fault{Action: simulator.ActionReplace, Body: "<html>\n<p>soon</p>\n", Times: 3})},
	} {
		w := durabletest.Piped(t, t.TempDir(), simulator.Config{Seed: 5, Rows: simulator.RowFaults{ServerError: 0.3, BadRequest: 0.05}, Faults: faults})
		var sent served
		w.Interpose(sent.wrap)
		w.Write("in.jsonl", durabletest.Tickets(300)...)
		job := w.Job()
		job.MaxAttempts, job.Guard.PauseAbove, job.KeepRaw = 3, 1, true
		w.DieTorn(0, job)
		w.MustRun(job)
		m, got := export(w)
		for line := range sent.lines {
			if strings.HasPrefix(line, "<") {
				delete(sent.lines, line)
			}
		}
		files := make(map[string]bool)
		for _, part := range []sink.RawPart{sink.RawOutput, sink.RawErrors} {
			if len(got[part]) == 0 {
				t.Errorf("%s: no lines of %s", name, part)
			}
			for line := range got[part] {
				files[line] = true
			}
		}
		if diff := cmp.Diff(sent.lines, files); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if n := len(got[sink.RawBatch]); n < len(m.Batches) {
			t.Errorf("%s: %d objects of %d batches", name, n, len(m.Batches))
		}
	}
}

// A line that the client can make nothing of is in an export all the same.
func TestExportHasLinesThatNobodyUnderstands(t *testing.T) {
	t.Parallel()
	const odd = `{"custom_id":null,"why":"the moon is full"}`
	w := durabletest.New(t, simulator.Config{Faults: []simulator.Fault{
		{Route: "GET /v1/files/{id}/content", Action: simulator.ActionPrepend, Body: odd + "\n", Times: -1},
	}})
	w.Write("in.jsonl", durabletest.Tickets(3)...)
	job := w.Job()
	job.KeepRaw = true
	w.MustRun(job)
	if _, got := export(w); !got[sink.RawOutput][odd] || len(got[sink.RawOutput]) != 4 {
		t.Errorf("%v", got)
	}
}

// An export has what the provider says of batches that it refused, and all
// their errors.
func TestExportHasTheObjectsOfRefusedBatches(t *testing.T) {
	t.Parallel()
	odd := simulator.BatchError{Code: "odd_reason", Message: "the moon is full"}
	w := durabletest.New(t, simulator.Config{Faults: []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.ActionInvalid, Times: 2, Errors: []simulator.BatchError{odd, odd}},
	}})
	w.Write("in.jsonl", durabletest.Tickets(3)...)
	job := w.Job()
	job.KeepRaw = true
	w.MustRun(job)
	m, got := export(w)
	if len(m.Batches) != 1 || len(got[sink.RawBatch]) != 3 {
		t.Fatalf("%+v, %v", m, got)
	}
	states := make(map[string]string)
	for line := range got[sink.RawBatch] {
		var b struct {
			ID, Status string
			Errors     struct{ Data []simulator.BatchError }
		}
		if err := json.Unmarshal([]byte(line), &b); err != nil {
			t.Fatal(err)
		}
		states[b.ID] = b.Status
		if refused := b.Status == "failed"; refused != (len(b.Errors.Data) == 2) {
			t.Errorf("%s", line)
		}
	}
	b := m.Batches[0]
	if len(b.Errors) != 2 || len(b.Refused) != 2 || states[b.Batch] != "completed" {
		t.Fatalf("%+v", b)
	}
	for i, e := range b.Errors {
		if e.Batch != b.Refused[i] || states[e.Batch] != "failed" || e.Code != odd.Code || !strings.Contains(e.Message, odd.Message) || e.SentAt.IsZero() {
			t.Errorf("%+v", e)
		}
	}
}

// What was kept is damaged: the run goes on, and what comes from now on is
// kept.
func TestARunGoesOnWhateverIsWrongWithWhatWasKept(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(100)...)
	job := w.Job()
	job.KeepRaw = true
	w.DieTorn(0, job)
	files, err := filepath.Glob(w.Path("state/job-*/raw/*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, results := range []string{"", w.Path("state/job-*/results/*")} {
		all, err := filepath.Glob(results)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range append(all, files...) {
			if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.MustRun(job)
	if _, got := export(w); len(got[sink.RawOutput]) != 100 {
		t.Errorf("%d lines", len(got[sink.RawOutput]))
	}
}

// Nothing is kept that nobody asked for.
func TestNothingOfTheProvidersIsKeptUnasked(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(3)...)
	w.MustRun(w.Job())
	if found, err := filepath.Glob(w.Path("state/job-*/raw")); err != nil || len(found) > 0 {
		t.Errorf("%q, %v", found, err)
	}
	if m, got := export(w); len(got) > 0 || m.Batches[0].Raw != nil {
		t.Errorf("%v", got)
	}
}
