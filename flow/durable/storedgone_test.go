package durable_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/gemini"
	"github.com/balerhq/baler/sink/llm/document/documenttest"
	"github.com/balerhq/baler/sink/mistral"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// storing are the providers that store files of rows, with a model of each.
var storing = map[string]string{"openai": "gpt-m", "anthropic": "claude-m", "gemini": "gemini-m", "mistral": "mistral-m"}

// clientOf returns a client of a provider in the world. Each of its requests
// passes through before, unless that is nil.
func clientOf(w *durabletest.World, name string, before func(*http.Request) error) sink.Provider {
	return clientAhead(w, name, 0, before)
}

// clientAhead returns a client for which it is later at the provider than here.
func clientAhead(w *durabletest.World, name string, by time.Duration, before func(*http.Request) error) sink.Provider {
	w.T.Helper()
	transport := &http.Transport{}
	w.T.Cleanup(transport.CloseIdleConnections)
	through := durabletest.RoundTripper(func(r *http.Request) (*http.Response, error) {
		if before != nil {
			if err := before(r); err != nil {
				return nil, err
			}
		}
		reply, err := transport.RoundTrip(r)
		if err == nil {
			reply.Header.Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
		}
		return reply, err
	})
	url, again := w.Server.URL+"/"+name, retry.Policy{Delay: time.Millisecond, MaxDelay: 10 * time.Millisecond}
	var p sink.Provider
	var err error
	switch name {
	case "openai":
		p, err = openai.New("sk-test", openai.Config{BaseURL: url + "/v1", Transport: through, Retry: again})
	case "anthropic":
		p, err = anthropic.New("sk-test", anthropic.Config{BaseURL: url, Transport: through, Retry: again})
	case "gemini":
		p, err = gemini.New("sk-test", gemini.Config{BaseURL: url, Transport: through, Retry: again})
	case "mistral":
		p, err = mistral.New("sk-test", mistral.Config{BaseURL: url, Transport: through, Retry: again})
	}
	if err != nil {
		w.T.Fatal(err)
	}
	return p
}

// createsBatch reports whether a request creates a batch.
func createsBatch(r *http.Request) bool {
	return r.Method == http.MethodPost && (strings.HasSuffix(r.URL.Path, "/batches") || strings.HasSuffix(r.URL.Path, ":batchGenerateContent") || strings.HasSuffix(r.URL.Path, "/batch/jobs"))
}

// deleteStored deletes all files for rows at a provider.
func deleteStored(w *durabletest.World, p sink.Provider) {
	w.T.Helper()
	store := p.Info().FileStore
	for f, err := range store.Stored(w.T.Context(), "") {
		if err == nil {
			err = store.Delete(w.T.Context(), f.File)
		}
		if err != nil {
			w.T.Error(err)
		}
	}
}

// pdfsStored counts the PDFs that were stored, and those that are still there.
func pdfsStored(w *durabletest.World) (stored, left int) {
	for _, f := range w.Server.Files() {
		if strings.HasSuffix(f.Name, ".pdf") {
			stored++
			if !f.Deleted {
				left++
			}
		}
	}
	return stored, left
}

func wantPDFs(w *durabletest.World, stored, left int) {
	w.T.Helper()
	if s, l := pdfsStored(w); s != stored || l != left {
		w.T.Errorf("%d PDFs were stored and %d are left, want %d and %d", s, l, stored, left)
	}
}

// aboutOne is a job in which all rows ask about one PDF.
func aboutOne(w *durabletest.World, provider string, rows int) durable.Job[durabletest.Ticket] {
	w.T.Helper()
	w.Write("in.jsonl", durabletest.Tickets(rows)...)
	writeFile(w, "all.pdf", documenttest.PDF(strings.Repeat("shared words ", 10)))
	job := withFiles(w, func(string) string { return "all.pdf" })
	job.Model, job.FileUpload, job.Batch.MaxItems = storing[provider], durable.FileUploadAuto, rows
	return job
}

// Each provider has a file once, and none when the run has ended.
func TestEachProviderStoresAFileOnce(t *testing.T) {
	t.Parallel()
	const rows = 4
	for name := range storing {
		var got bodies
		w := durabletest.New(t, got.config())
		job := aboutOne(w, name, rows)
		job.Provider = clientOf(w, name, nil)
		if report := w.MustRun(job); report.Succeeded != rows || report.Batches != 1 {
			t.Errorf("%s: %+v", name, report)
		}
		wantPDFs(w, 1, 0)
		if n := got.with("JVBERi"); n != 0 { // which begins a PDF in base64
			t.Errorf("%s: %d rows have the file themselves", name, n)
		}
	}
}

// A file that somebody deletes before its rows run is stored again, and these
// are asked again: they were not answered, so nothing is paid twice.
func TestAStoredFileThatIsDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	const rows = 4
	for name := range storing {
		w := durabletest.New(t, simulator.Config{})
		job := aboutOne(w, name, rows)
		direct, deleted := clientOf(w, name, nil), false
		job.Provider = clientOf(w, name, func(r *http.Request) error {
			if createsBatch(r) && !deleted {
				deleted = true
				deleteStored(w, direct)
			}
			return nil
		})
		if report := w.MustRun(job); report.Succeeded != rows || report.Batches != 2 {
			t.Errorf("%s: %+v", name, report)
		}
		wantPDFs(w, 2, 0)
		if n := w.Billed(); n != rows {
			t.Errorf("%s: %d rows were billed", name, n)
		}
	}
}

// A row that fails for a reason of its own is not asked again because it has a
// file, as long as that is there.
func TestARowWithAFileFailsForItsOwnReason(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	w := durabletest.New(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		if strings.Contains(r.Prompt(), "7") {
			asked.Add(1)
			return simulator.Reply{Error: &simulator.RowError{Status: http.StatusBadRequest, Code: "odd", Message: "No such File object"}}
		}
		return simulator.Reply{Text: r.Prompt()}
	}})
	job := aboutOne(w, "openai", 10)
	if report := w.MustRun(job); report.Failed != int(asked.Load()) || report.Failed == 0 || report.Batches != 1 {
		t.Errorf("%+v, asked %d times", report, asked.Load())
	}
	wantPDFs(w, 1, 0)
}

// As long as the provider does not say whether the file is there, the rows wait.
func TestWhetherAStoredFileIsThereIsAskedUntilItIsSaid(t *testing.T) {
	t.Parallel()
	const rows = 4
	w := durabletest.New(t, simulator.Config{})
	job := aboutOne(w, "mistral", rows)
	direct, deleted, looks := clientOf(w, "mistral", nil), false, 0
	job.Provider = clientOf(w, "mistral", func(r *http.Request) error {
		if createsBatch(r) && !deleted {
			deleted = true
			deleteStored(w, direct)
		}
		if isLook := r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/files/") && !strings.HasSuffix(r.URL.Path, "/content"); isLook {
			if looks++; looks < 20 {
				return io.ErrUnexpectedEOF
			}
		}
		return nil
	})
	if report := w.MustRun(job); report.Succeeded != rows || report.Batches != 2 || looks < 20 {
		t.Errorf("%+v after %d looks", report, looks)
	}
	wantPDFs(w, 2, 0)
	if n := w.Billed(); n != rows {
		t.Errorf("%d rows were billed", n)
	}
}

// A file of which half the time is over that the provider keeps it is stored
// again for another batch.
func TestAStoredFileIsStoredAgainBeforeItExpires(t *testing.T) {
	t.Parallel()
	const rows = 4
	for after, stored := range map[time.Duration]int{20 * time.Hour: 1, 30 * time.Hour: 2, 60 * time.Hour: 2} {
		w := durabletest.New(t, simulator.Config{})
		job := aboutOne(w, "gemini", rows)
		ctx, cancel := context.WithCancelCause(t.Context())
		job.Provider = clientOf(w, "gemini", func(r *http.Request) error {
			if strings.Contains(r.URL.Path, "/upload/") && r.Header.Get("X-Goog-Upload-Header-Content-Type") == "application/jsonl" {
				cancel(durabletest.ErrEnough)
				return context.Canceled
			}
			return nil
		})
		if _, err := w.Run(ctx, job); !errors.Is(err, durabletest.ErrEnough) {
			t.Fatal(err)
		}
		wantPDFs(w, 1, 1)
		if err := w.Server.Advance(after); err != nil {
			t.Fatal(err)
		}
		job.Provider = clientAhead(w, "gemini", after, nil)
		sink.Now(t.Context(), job.Provider) // so that it is known
		if report := w.MustRun(job); report.Succeeded != rows || report.Batches != 1 {
			t.Errorf("after %s: %+v", after, report)
		}
		files := w.Server.Files()
		pdfs := slices.DeleteFunc(files, func(f simulator.File) bool { return !strings.HasSuffix(f.Name, ".pdf") })
		if len(pdfs) != stored || !pdfs[len(pdfs)-1].Deleted {
			t.Errorf("after %s: %+v", after, pdfs)
		}
	}
}
