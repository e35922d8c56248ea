package doctor_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/document/documenttest"
	"github.com/balerhq/baler/sink/simulator"
)

// storedLeft counts the files for rows that were uploaded, and those that are
// still there.
func storedLeft(w *durabletest.World) (uploaded, left int) {
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

// aboutPDF is a job whose rows have one PDF, which is stored.
func aboutPDF(w *durabletest.World, rows int) durable.Job[durabletest.Ticket] {
	w.T.Helper()
	w.Write("in.jsonl", durabletest.Tickets(rows)...)
	if err := os.WriteFile(w.Path("all.pdf"), documenttest.PDF(strings.Repeat("words ", 20)), 0o600); err != nil {
		w.T.Fatal(err)
	}
	job := w.Job()
	job.Prompt = func(t durabletest.Ticket) (llm.Chat, error) {
		chat := llm.Ask(t.Text)
		chat.Messages[0].Parts = append(chat.Messages[0].Parts, llm.FromPath(w.Path("all.pdf")))
		return chat, nil
	}
	job.FileUpload, job.Batch.MaxItems = durable.FileUploadAuto, 4
	return job
}

// storedOnly is a job that was interrupted once the file of its rows was stored,
// and before anything was bought. Its journal is lost.
func storedOnly(w *durabletest.World) durable.Job[durabletest.Ticket] {
	w.T.Helper()
	job := aboutPDF(w, 4)
	ctx, cancel := context.WithCancelCause(w.T.Context())
	defer cancel(nil)
	healthy := w.Provider
	w.Interpose(func(http.RoundTripper) http.RoundTripper {
		return durabletest.RoundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodPost {
				return http.DefaultTransport.RoundTrip(r)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			if !bytes.Contains(body, []byte("user_data")) {
				cancel(durabletest.ErrEnough)
				return nil, context.Canceled
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			return http.DefaultTransport.RoundTrip(r)
		})
	})
	job.Provider = w.Provider
	if _, err := w.Run(ctx, job); !errors.Is(err, durabletest.ErrEnough) {
		w.T.Fatal(err)
	}
	job.Provider, w.Provider = healthy, healthy
	if uploaded, left := storedLeft(w); uploaded != 1 || left != 1 {
		w.T.Fatalf("%d files, %d left", uploaded, left)
	}
	loseJournal(w)
	if err := doctor.RepairJournals(w.T.Context(), w.StateDir()); err != nil {
		w.T.Fatal(err)
	}
	return job
}

// A journal that is written anew knows that the provider may have files of rows:
// they are found, not stored again, and none is left.
func TestStoredFilesAreFoundWithoutTheJournal(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		w := durabletest.New(t, simulator.Config{})
		job := storedOnly(w)
		if again { // a second loss is no worse
			loseJournal(w)
			if err := doctor.RepairJournals(t.Context(), w.StateDir()); err != nil {
				t.Fatal(err)
			}
		}
		if report := w.MustRun(job); report.Succeeded != 4 || report.Batches != 1 || report.Remote != (durable.Remote{}) {
			t.Errorf("%+v", report)
		}
		if uploaded, left := storedLeft(w); uploaded != 1 || left != 0 {
			t.Errorf("%d files, %d left", uploaded, left)
		}
		if err := w.StateDir().Forget(t.Context(), "tickets", false); err != nil {
			t.Error(err)
		}
	}
}

// They are also removed if the job buys nothing more.
func TestStoredFilesAreRemovedWithoutTheJournal(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	job := storedOnly(w)
	if err := w.Attach().Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Run(t.Context(), job); !errors.As(err, new(*durable.CancelledError)) {
		t.Fatal(err)
	}
	if uploaded, left := storedLeft(w); uploaded != 1 || left != 0 {
		t.Errorf("%d files, %d left", uploaded, left)
	}
}

// A job whose provider stores no files is not kept from being dropped.
func TestAJournalWrittenAnewWhereNoFilesAreStored(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	job := storedOnly(w)
	job.Provider = noStore{job.Provider}
	if report := w.MustRun(job); report.Succeeded != 4 {
		t.Errorf("%+v", report)
	}
	if err := w.StateDir().Forget(t.Context(), "tickets", false); err != nil {
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

// A journal that is written anew does not say which files of rows were stored.
// They are deleted at each provider that the job has bought from, and what is at
// one that is not asked is not forgotten.
func TestStoredFilesAtTwoProvidersAreRemovedWithoutTheJournal(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	other, err := anthropic.New("sk-ant-test", anthropic.Config{BaseURL: w.Server.URL + "/anthropic"})
	if err != nil {
		t.Fatal(err)
	}
	job := aboutPDF(w, 8)
	job.Provider, job.Model = nil, ""
	job.Routes = []durable.Route{{Provider: w.Provider, Model: "gpt-m"}, {Provider: other, Model: "claude-m"}}
	job.Choose = router.RoundRobin[durable.Waiting]()
	failing := func(route string) simulator.Fault {
		return simulator.Fault{Route: route, Times: -1, Action: simulator.ActionFail, Status: http.StatusForbidden}
	}
	w.SetFaults(failing("DELETE /v1/files/{id}"), failing("DELETE /anthropic/v1/files/{id}"))
	if report := w.MustRun(job); report.Succeeded != 8 || report.Batches != 2 {
		t.Fatalf("%+v", report)
	}
	w.SetFaults()
	if got := leftAtEach(w); !maps.Equal(got, map[string]int{"openai": 1, "anthropic": 1}) {
		t.Fatalf("%v are left", got)
	}
	loseJournal(w)
	if err := doctor.RepairJournals(t.Context(), w.StateDir()); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		ask    []sink.Provider
		reason string
		files  int
		left   map[string]int
	}{
		{[]sink.Provider{w.Provider}, "of anthropic, which was not asked", 1, map[string]int{"anthropic": 1}},
		{[]sink.Provider{other}, "in the account openai:", 1, map[string]int{}},
		{[]sink.Provider{other, w.Provider}, "", 0, map[string]int{}},
	} {
		removed, err := w.StateDir().RemoveKept(t.Context(), test.ask...)
		if err != nil || len(removed) != 1 || removed[0].Files != test.files || !strings.Contains(removed[0].Reason, test.reason) || (test.reason == "") != (removed[0].Reason == "") {
			t.Errorf("%+v, %v, want %+v", removed, err, test)
		}
		if got := leftAtEach(w); !maps.Equal(got, test.left) {
			t.Errorf("%v are left, want %v", got, test.left)
		}
	}
	if err := w.StateDir().Forget(t.Context(), "tickets", false); err != nil {
		t.Error(err)
	}
}

// leftAtEach counts the PDFs that are still at each provider.
func leftAtEach(w *durabletest.World) map[string]int {
	left := make(map[string]int)
	for _, f := range w.Server.Files() {
		if strings.HasSuffix(f.Name, ".pdf") && !f.Deleted {
			left[f.Provider]++
		}
	}
	return left
}
