package durable_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/simulator"
)

// refuseFiles lets the provider store no file for rows whose name ends so. It
// counts how often it was asked to.
func refuseFiles(w *durabletest.World, status int, end string) *atomic.Int32 {
	asked := new(atomic.Int32)
	w.Interpose(func(next http.RoundTripper) http.RoundTripper {
		if next == nil {
			next = http.DefaultTransport
		}
		return durabletest.RoundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/files") {
				return next.RoundTrip(r)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			if !bytes.Contains(body, []byte("user_data")) || !bytes.Contains(body, []byte(end+`"`)) {
				return next.RoundTrip(r)
			}
			asked.Add(1)
			return &http.Response{
				StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
				Body: io.NopCloser(strings.NewReader(`{"error":{"message":"no such luck","type":"invalid_request_error","code":"odd_file"}}`)),
			}, nil
		})
	})
	return asked
}

// A file that the provider refuses fails the rows that have it, and no others,
// if all files are to be stored.
func TestARefusedFileFailsItsRowsAlone(t *testing.T) {
	t.Parallel()
	const rows = 6
	for _, status := range []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge} {
		w := durabletest.New(t, simulator.Config{})
		_, _ = sharedFile(w, rows)
		asked := refuseFiles(w, status, "t-3.pdf")
		job := withFiles(w, func(string) string { return "all.pdf" }, func(id string) string { return id + ".pdf" })
		job.FileUpload, job.Batch.MaxItems = durable.FileUploadAlways, rows
		if report := w.MustRun(job); report.Succeeded != rows-1 || report.Failed != 1 || report.Batches != 1 {
			t.Errorf("%d: %+v", status, report)
		}
		e := w.Results()["t-3"].Error
		if e == nil || e.Code != "file_refused" || !strings.Contains(e.Message, "t-3.pdf") || !strings.Contains(e.Message, "no such luck") {
			t.Errorf("%d: %+v", status, e)
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("%d: the file was sent %d times", status, n)
		}
		wantFilesStored(w, rows, 0)
	}
}

// Otherwise rows have a refused file themselves, also in a later run, which
// does not ask the provider again.
func TestARefusedFileGoesWithItsRows(t *testing.T) {
	t.Parallel()
	const rows = 4
	for _, interrupted := range []bool{false, true} {
		var got bodies
		w := durabletest.New(t, got.config())
		_, shared := sharedFile(w, rows)
		asked := refuseFiles(w, http.StatusBadRequest, "all.pdf")
		job := withFiles(w, func(string) string { return "all.pdf" })
		job.FileUpload, job.Batch.MaxItems = durable.FileUploadAuto, rows
		if interrupted {
			interruptedUpload(w, job, "after")
			job.Provider = w.Provider
		}
		if report := w.MustRun(job); report.Succeeded != rows {
			t.Errorf("interrupted %t: %+v", interrupted, report)
		}
		if n := got.with(base64.StdEncoding.EncodeToString(shared)); n != rows || asked.Load() != 1 {
			t.Errorf("interrupted %t: %d rows have the file, which was sent %d times", interrupted, n, asked.Load())
		}
		if s, err := w.Attach().Status(); err != nil || s.Remote != (durable.Remote{}) {
			t.Errorf("interrupted %t: %+v, %v", interrupted, s.Remote, err)
		}
	}
}

// A provider without a store ends a run that wants all files stored, before
// anything is bought. The same run goes on if it leaves the choice.
func TestAProviderWithoutAStore(t *testing.T) {
	t.Parallel()
	const rows = 12
	for _, status := range []int{http.StatusNotFound, http.StatusMethodNotAllowed} {
		var got bodies
		w := durabletest.New(t, got.config())
		_, _ = sharedFile(w, rows)
		asked := refuseFiles(w, status, ".pdf")
		own := func(id string) string { return id + ".pdf" }
		job := withFiles(w, []func(string) string{own, own}...) // twice, so that auto stores it
		job.FileUpload, job.Batch.MaxItems = durable.FileUploadAlways, rows
		if _, err := w.Run(t.Context(), job); !errors.Is(err, durable.ErrNoFileStore) {
			t.Errorf("%d: %v", status, err)
		}
		if n := len(w.Server.Batches()); n != 0 {
			t.Errorf("%d: %d batches were bought", status, n)
		}
		asked.Store(0)
		job.FileUpload = durable.FileUploadAuto
		if report := w.MustRun(job); report.Succeeded != rows || got.with(`"file_id"`) != 0 {
			t.Errorf("%d: %+v", status, report)
		}
		if n := asked.Load(); n < 1 || n > 4 {
			t.Errorf("%d: it was asked %d times", status, n)
		}
	}
}
