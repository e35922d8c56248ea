package durable_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/llm/document/documenttest"
	"github.com/balerhq/baler/sink/simulator"
)

// storedFiles counts the files for rows that were uploaded, and those that are
// still there.
func storedFiles(w *durabletest.World) (uploaded, left int) {
	for _, f := range w.Server.Files() {
		if f.Purpose == "user_data" {
			uploaded++
			if !f.Deleted {
				left++
			}
		}
	}
	return uploaded, left
}

func wantFilesStored(w *durabletest.World, uploaded, left int) {
	w.T.Helper()
	if u, l := storedFiles(w); u != uploaded || l != left {
		w.T.Errorf("%d files were uploaded and %d are left, want %d and %d", u, l, uploaded, left)
	}
}

// bodies keeps the bodies of rows that were put to the model.
type bodies struct {
	mu  sync.Mutex
	all [][]byte
}

func (b *bodies) config() simulator.Config {
	return simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.all = append(b.all, bytes.Clone(r.Body))
		return simulator.Reply{Text: r.Prompt()}
	}}
}

func (b *bodies) with(text string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, body := range b.all {
		if bytes.Contains(body, []byte(text)) {
			n++
		}
	}
	return n
}

// sharedFile is a world in which rows ask about a PDF that all have, and about
// one of their own.
func sharedFile(w *durabletest.World, rows int) (job durable.Job[durabletest.Ticket], shared []byte) {
	w.Write("in.jsonl", durabletest.Tickets(rows)...)
	shared = documenttest.PDF(strings.Repeat("shared words ", 10))
	writeFile(w, "all.pdf", shared)
	for i := range rows {
		writeFile(w, fmt.Sprintf("t-%d.pdf", i), documenttest.PDF(fmt.Sprintf("the file of the row %d alone", i)))
	}
	return withFiles(w, func(string) string { return "all.pdf" }, func(id string) string { return id + ".pdf" }), shared
}

// A file that several rows have is uploaded once, and nothing of it is left
// when the run has ended.
func TestFilesAreStoredOnce(t *testing.T) {
	t.Parallel()
	const rows = 6
	for _, test := range []struct {
		upload   durable.FileUpload
		uploaded int
		inline   int // rows that have the shared file themselves
	}{{"", 0, rows}, {durable.FileUploadNever, 0, rows}, {durable.FileUploadAuto, 1, 0}, {durable.FileUploadAlways, 1 + rows, 0}} {
		var got bodies
		w := durabletest.New(t, got.config())
		job, shared := sharedFile(w, rows)
		job.FileUpload, job.Batch.MaxItems = test.upload, rows
		if report := w.MustRun(job); report.Succeeded != rows {
			t.Errorf("%q: %+v", test.upload, report)
		}
		wantFilesStored(w, test.uploaded, 0)
		if n := got.with(base64.StdEncoding.EncodeToString(shared)); n != test.inline {
			t.Errorf("%q: %d rows have the file themselves, want %d", test.upload, n, test.inline)
		}
		if n := got.with(`"file_id"`); n != rows-test.inline {
			t.Errorf("%q: %d rows refer to a file, want %d", test.upload, n, rows-test.inline)
		}
	}
}

// A large file takes no room in a batch if it is stored, so that more rows fit.
func TestLargeStoredFilesTakeNoRoomInBatches(t *testing.T) {
	t.Parallel()
	const rows = 4
	for upload, batches := range map[durable.FileUpload]int{durable.FileUploadNever: rows, durable.FileUploadAuto: 1} {
		w := durabletest.New(t, simulator.Config{})
		w.Write("in.jsonl", durabletest.Tickets(rows)...)
		for i := range rows {
			writeFile(w, fmt.Sprintf("t-%d.pdf", i), documenttest.PDF(fmt.Sprint(i, strings.Repeat(" words", 250_000))))
		}
		job := withFiles(w, func(id string) string { return id + ".pdf" })
		job.FileUpload, job.Batch.MaxBytes = upload, 2_500_000
		if report := w.MustRun(job); report.Succeeded != rows || report.Batches != batches {
			t.Errorf("%s: %+v, want %d batches", upload, report, batches)
		}
		wantFilesStored(w, map[durable.FileUpload]int{durable.FileUploadAuto: rows}[upload], 0)
	}
}

// interruptedUpload lets a run end at its first upload of a file for rows:
// before the request leaves, or when its reply is lost, or when it has come.
func interruptedUpload(w *durabletest.World, job durable.Job[durabletest.Ticket], at string) {
	w.T.Helper()
	ctx, cancel := context.WithCancelCause(w.T.Context())
	defer cancel(nil)
	healthy := w.Provider
	w.Interpose(func(next http.RoundTripper) http.RoundTripper {
		if next == nil {
			next = http.DefaultTransport
		}
		return durabletest.RoundTripper(func(r *http.Request) (*http.Response, error) {
			isUpload := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/files")
			if !isUpload || ctx.Err() != nil {
				return next.RoundTrip(r)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			if at == "before" && bytes.Contains(body, []byte("user_data")) || at == "after" && !bytes.Contains(body, []byte("user_data")) {
				cancel(durabletest.ErrEnough)
				return nil, context.Canceled
			}
			reply, err := next.RoundTrip(r)
			if err == nil && at == "lost" && bytes.Contains(body, []byte("user_data")) {
				reply.Body.Close()
				cancel(durabletest.ErrEnough)
				return nil, context.Canceled
			}
			return reply, err
		})
	})
	job.Provider = w.Provider
	if _, err := w.Run(ctx, job); !errors.Is(err, durabletest.ErrEnough) {
		w.T.Fatalf("%s: %v", at, err)
	}
	w.Provider = healthy
}

// Whenever a run ends between an upload and its use, the file is uploaded no
// second time, and none is left when the next run has ended.
func TestARunThatEndsAfterAnUploadLeavesNoFile(t *testing.T) {
	t.Parallel()
	for at, before := range map[string]int{"before": 0, "lost": 1, "after": 1} {
		var got bodies
		w := durabletest.New(t, got.config())
		job, _ := sharedFile(w, 4)
		job.FileUpload, job.Batch.MaxItems = durable.FileUploadAuto, 4
		interruptedUpload(w, job, at)
		wantFilesStored(w, before, before)
		job.Provider = w.Provider
		if report := w.MustRun(job); report.Succeeded != 4 || got.with(`"file_id"`) != 4 {
			t.Errorf("%s: %+v", at, report)
		}
		wantFilesStored(w, 1, 0)
	}
}

// A run that is cancelled leaves no file either, nor one that another run has
// to clean up after.
func TestStoredFilesOfAnEndedRunAreRemoved(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	job, _ := sharedFile(w, 4)
	job.FileUpload, job.Batch.MaxItems = durable.FileUploadAuto, 4
	interruptedUpload(w, job, "after")
	wantFilesStored(w, 1, 1)
	if err := w.Attach().Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	job.Provider = w.Provider
	w.SetFaults(simulator.Fault{Route: "DELETE /v1/files/{id}", Action: simulator.ActionFail, Status: http.StatusForbidden})
	if _, err := w.Run(t.Context(), job); !errors.As(err, new(*durable.CancelledError)) {
		t.Fatal(err)
	}
	wantFilesStored(w, 1, 1)
	if s, err := w.Attach().Status(); err != nil || s.Remote.Files != 1 {
		t.Errorf("%+v, %v", s.Remote, err)
	}
	err := w.StateDir().Forget(t.Context(), "tickets", false)
	if open, is := errors.AsType[*durable.OpenError](err); !is || open.Files != 1 || !strings.Contains(err.Error(), "1 file of rows") {
		t.Errorf("a run whose file is left is forgotten: %v", err)
	}
	w.SetFaults()
	removed, err := w.StateDir().RemoveKept(t.Context(), w.Provider)
	if err != nil || len(removed) != 1 || removed[0].Files != 1 || removed[0].Reason != "" {
		t.Errorf("%+v, %v", removed, err)
	}
	wantFilesStored(w, 1, 0)
	if s, err := w.Attach().Status(); err != nil || s.Remote != (durable.Remote{}) {
		t.Errorf("%+v, %v", s.Remote, err)
	}
	if err := w.StateDir().Forget(t.Context(), "tickets", false); err != nil {
		t.Error(err)
	}
}

// Two files of a name are left if the provider lists the first too late. Both
// go when the run has ended.
func TestBothFilesOfAnUnansweredUploadAreRemoved(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	job, _ := sharedFile(w, 4)
	job.FileUpload, job.Batch.MaxItems = durable.FileUploadAuto, 4
	interruptedUpload(w, job, "lost")
	name := w.Server.Files()[0].Name
	store := w.Provider.Info().FileStore
	if _, err := store.Put(t.Context(), name, "application/pdf", []byte("%PDF-1.7")); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), "else-"+name, "application/pdf", []byte("%PDF-1.7")); err != nil {
		t.Fatal(err)
	}
	job.Provider = w.Provider
	w.MustRun(job)
	wantFilesStored(w, 3, 1) // which is somebody else's
}

// At Anthropic, rows are sent when a batch is created. They refer to documents
// with their names, and to images.
func TestFilesAreStoredAtAnthropic(t *testing.T) {
	t.Parallel()
	const rows = 4
	var got bodies
	w := durabletest.New(t, got.config())
	_, _ = sharedFile(w, rows)
	writeFile(w, "all.png", documenttest.PNG(4, 4, 1))
	job := withFiles(w, func(string) string { return "all.png" }, func(string) string { return "all.pdf" }, func(id string) string { return id + ".pdf" })
	client, err := anthropic.New("sk-ant-test", anthropic.Config{BaseURL: w.Server.URL + "/anthropic"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdle()
	job.Provider, job.Model, job.FileUpload, job.Batch.MaxItems = client, "claude-haiku-5.5", durable.FileUploadAuto, rows
	if report := w.MustRun(job); report.Succeeded != rows || report.Batches != 1 {
		t.Errorf("%+v", report)
	}
	for text, want := range map[string]int{`"title":"all.pdf"`: rows, `"title":"t-1.pdf"`: 1, `"file_id"`: rows, `"media_type":"application/pdf"`: rows, `"media_type":"image/png"`: 0} {
		if n := got.with(text); n != want {
			t.Errorf("%d rows have %s, want %d", n, text, want)
		}
	}
	files := w.Server.Files()
	if len(files) != 2 || !files[0].Deleted || !files[1].Deleted {
		t.Errorf("the provider has %+v", files)
	}
}

func TestFileUploadIsValidated(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(1)...)
	job := w.Job()
	job.FileUpload = "often"
	if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), `"often"`) {
		t.Error(err)
	}
	job.FileUpload, job.Provider = durable.FileUploadAlways, noStore{w.Provider}
	if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "use auto or never") {
		t.Error(err)
	}
}

// noStore is a provider that keeps no files for rows.
type noStore struct{ sink.Provider }

// Info implements sink.Provider.
func (p noStore) Info() sink.Info {
	info := p.Provider.Info()
	info.FileStore = nil
	return info
}

// A file that is too large for a request is taken if the provider stores it. It
// is refused, with what to do, if it is not to be stored.
func TestAStoredFileMayBeLargerThanARequest(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(1)...)
	writeFile(w, "all.pdf", documenttest.PDF(strings.Repeat("words ", 21_000_000/6)))
	job := withFiles(w, func(string) string { return "all.pdf" })
	job.Provider, job.Model = clientOf(w, "gemini", nil), storing["gemini"]
	if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "takes 20000000: have it stored") || !strings.Contains(err.Error(), "Job.FileUpload auto") {
		t.Errorf("without a store: %v", err)
	}
	job.FileUpload = durable.FileUploadAuto
	if report := w.MustRun(job); report.Succeeded != 1 {
		t.Errorf("%+v", report)
	}
	wantPDFs(w, 1, 0)
}
