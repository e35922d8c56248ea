package durable_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

const (
	contentRoute = "GET /v1/files/{id}/content"
	statusRoute  = "GET /v1/batches/{id}"
)

// lies are ways in which the provider's word about an ended batch is not what
// it should be.
func lies() map[string]simulator.Fault {
	return map[string]simulator.Fault{
		"the output file is late":   {Route: statusRoute, Action: simulator.ActionMerge, Merge: json.RawMessage(`{"output_file_id":null}`)},
		"no counts and no file":     {Route: statusRoute, Action: simulator.ActionMerge, Merge: json.RawMessage(`{"output_file_id":null,"request_counts":null}`)},
		"another batch":             {Route: statusRoute, Action: simulator.ActionMerge, Merge: json.RawMessage(`{"id":"batch_x","status":"expired","output_file_id":null,"request_counts":{"total":30,"completed":0,"failed":0}}`)},
		"a page":                    {Route: contentRoute, Action: simulator.ActionReplace, Body: "<html>\n<p>soon</p>\n</html>\n"},
		"a line of a page":          {Route: contentRoute, Action: simulator.ActionReplace, Body: "<html>"},
		"an error under 200":        {Route: contentRoute, Action: simulator.ActionReplace, Body: `{"error":{"message":"m"}}`},
		"empty":                     {Route: contentRoute, Action: simulator.ActionReplace},
		"cut within a line":         {Route: contentRoute, Action: simulator.ActionCut},
		"gone":                      {Route: contentRoute, Action: simulator.ActionReplace, Status: http.StatusNotFound, Body: "{}"},
		"gone for good":             {Route: contentRoute, Action: simulator.ActionReplace, Status: http.StatusGone, Body: "{}"},
		"broken within the first":   {Route: contentRoute, Action: simulator.ActionTruncate, Bytes: 10},
		"the provider is down":      {Route: contentRoute, Action: simulator.ActionFail, Status: http.StatusBadGateway},
		"the status cannot be read": {Route: statusRoute, Action: simulator.ActionReplace, Body: "<html>"},
	}
}

// A result that is late, cut, empty, gone or something else is asked for again,
// and no row is judged or bought by it.
func TestResultsThatAreNotThereYetAreAskedForAgain(t *testing.T) {
	t.Parallel()
	const rows = 30
	for name, lie := range lies() {
		lie.From, lie.Times = 2, 12
		durabletest.Bubble(t, simulator.Config{Faults: []simulator.Fault{lie}}, openai.Config{}, nil, func(w *durabletest.World) {
			t := w.T
			w.Write("in.jsonl", durabletest.Tickets(rows)...)
			if err := w.Server.SetFaults(lie); err != nil {
				t.Fatal(err)
			}
			report := w.MustRun(w.Job())
			if report.Succeeded != rows || report.Retried != 0 || report.Unexpected.Total() != 0 {
				t.Errorf("%s: report %+v", name, report)
			}
			w.WantBilledOnce(rows)
			if n := len(w.Server.Batches()); n != 1 {
				t.Errorf("%s: %d batches", name, n)
			}
		})
	}
}

// A status may be ahead of its counts and files: of a batch that is completed
// some rows ran, and that others did not has to be said twice, a while apart.
func TestCountsThatAreLateBuyNothing(t *testing.T) {
	t.Parallel()
	for counts, times := range map[string]int{`"completed":0,"failed":0`: 20, `"completed":1,"failed":0`: 2, `"failed":0,"completed":0`: -1} {
		lie := simulator.Fault{
			Route: statusRoute, Action: simulator.ActionMerge, Times: times,
			Merge: json.RawMessage(`{"output_file_id":null,"request_counts":{"total":30,` + counts + `}}`),
		}
		durabletest.Bubble(t, simulator.Config{Faults: []simulator.Fault{lie}}, openai.Config{}, nil, func(w *durabletest.World) {
			w.Write("in.jsonl", durabletest.Tickets(30)...)
			if times < 0 {
				if _, err := w.Run(w.T.Context(), w.Job()); !errors.As(err, new(*durable.UndecidedError)) || len(w.Server.Batches()) != 1 {
					w.T.Errorf("for good: %v", err)
				}
				return
			}
			if report := w.MustRun(w.Job()); report.Succeeded != 30 || report.Retried != 0 || len(w.Server.Batches()) != 1 {
				w.T.Errorf("%s: report %+v", counts, report)
			}
			w.WantBilledOnce(30)
		})
	}
}

// A byte order mark is none of the first row.
func TestAByteOrderMarkTakesNoRowAway(t *testing.T) {
	t.Parallel()
	mark := simulator.Fault{Route: contentRoute, Action: simulator.ActionPrepend, Body: "\xef\xbb\xbf", Times: -1}
	durabletest.Bubble(t, simulator.Config{Faults: []simulator.Fault{mark}}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(20)...)
		if report := w.MustRun(w.Job()); report.Succeeded != 20 || report.Retried != 0 {
			w.T.Errorf("report %+v", report)
		}
		w.WantBilledOnce(20)
	})
}

// broken cuts the output of the first batch that is downloaded, for as long as
// it is on.
type broken struct {
	on   atomic.Bool
	path atomic.Value
	body func(whole string) (status int, body string)
}

func (b *broken) wrap(next http.RoundTripper) http.RoundTripper {
	b.on.Store(true)
	return durabletest.RoundTripper(func(r *http.Request) (*http.Response, error) {
		reply, err := next.RoundTrip(r)
		if err != nil || path.Base(r.URL.Path) != "content" || !b.on.Load() {
			return reply, err
		}
		b.path.CompareAndSwap(nil, r.URL.Path)
		if b.path.Load() != r.URL.Path {
			return reply, nil
		}
		whole, err := io.ReadAll(reply.Body)
		if err != nil {
			return nil, err
		}
		status, body := b.body(string(whole))
		reply.StatusCode, reply.Body, reply.ContentLength = status, io.NopCloser(strings.NewReader(body)), int64(len(body))
		reply.Header.Del("Content-Length")
		return reply, nil
	})
}

// half is a file of which only the first half of the rows is there, and a
// piece.
func half(whole string) (int, string) {
	lines := strings.SplitAfter(whole, "\n")
	return http.StatusOK, strings.Join(lines[:len(lines)/2], "") + lines[len(lines)/2][:20]
}

func gone(string) (int, string) { return http.StatusNotFound, "{}" }

// undecided runs a job of three batches, of which the results of one stay
// broken, and returns that batch.
func undecided(w *durabletest.World, job durable.Job[durabletest.Ticket], settled int) durable.OpenBatch {
	w.T.Helper()
	report, err := w.Run(w.T.Context(), job)
	var waits *durable.UndecidedError
	if !errors.As(err, &waits) || len(waits.Batches) != 1 || report.Finished || report.State != durable.StateStopped {
		w.T.Fatalf("report %+v, error %v", report, err)
	}
	b := waits.Batches[0]
	if report.Succeeded != settled || b.Missing != report.Rows-settled || !b.Undecided {
		w.T.Errorf("report %+v, batch %+v", report, b)
	}
	if len(w.Results()) != settled {
		w.T.Errorf("%d results were delivered, want %d", len(w.Results()), settled)
	}
	s, err := w.Attach().Status()
	if err != nil || len(s.Open) != 1 || s.Open[0].Tag != b.Tag || s.Open[0].Missing != b.Missing || len(s.Notices) != 1 || s.Notices[0].Kind != durable.NoticeUndecided ||
		!strings.Contains(s.Notices[0].Advice, "baler settle tickets --batch "+b.Batch+" --missing fail") {
		w.T.Errorf("status %+v, %v", s, err)
	}
	return b
}

// missingJob is a job of three batches of ten.
func missingJob(w *durabletest.World) durable.Job[durabletest.Ticket] {
	w.Write("in.jsonl", durabletest.Tickets(30)...)
	job := w.Job()
	job.Batch.MaxItems = 10
	return job
}

// What stays incomplete stops its batch alone: what came is delivered, nothing
// is bought or deleted, a person is told, and the run ends. Once the provider
// has all, the next start settles it without a person.
func TestResultsThatStayAwayStopTheirBatchAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body    func(string) (int, string)
		settled int
	}{"cut": {half, 25}, "gone": {gone, 20}} {
		b := &broken{body: test.body}
		durabletest.Bubble(t, simulator.Config{}, openai.Config{}, b.wrap, func(w *durabletest.World) {
			t := w.T
			job := missingJob(w)
			var told []durable.Notice
			job.Notify = func(n durable.Notice) { told = append(told, n) }
			began := time.Now()
			waits := undecided(w, job, test.settled)
			wantWithin(w, began, time.Hour, 3*time.Hour)
			if len(told) == 0 || told[0].Kind != durable.NoticeIncomplete || told[len(told)-1].Kind != durable.NoticeUndecided {
				t.Errorf("%s: told %+v", name, told)
			}
			if n := len(w.Server.Batches()); n != 3 {
				t.Errorf("%s: %d batches", name, n)
			}
			if n := len(remoteFiles(w)); n < 2 {
				t.Errorf("%s: %d files are left at the provider", name, n)
			}
			began = time.Now()
			if again := undecided(w, job, test.settled); again.Tag != waits.Tag || again.Missing != waits.Missing { // nothing has changed
				t.Errorf("%s: batch %+v, then %+v", name, waits, again)
			}
			wantWithin(w, began, 0, 30*time.Minute)
			b.on.Store(false)
			if report := w.MustRun(job); report.Succeeded != 30 || report.Retried != 0 {
				t.Errorf("%s: report %+v", name, report)
			}
			w.WantBilledOnce(30)
			got, _ := durabletest.Collect(t, w.Archive("tickets").Results(archive.Query{Codec: w.Provider.Info().Codec}))
			if lines := w.Lines(); len(got) != 30 || strings.Join(got, "") != strings.Join(lines, "") {
				t.Errorf("%s: %d archived results are not the %d lines of the output", name, len(got), len(lines))
			}
		})
	}
}

func TestAPersonDecidesAboutMissingRows(t *testing.T) {
	t.Parallel()
	for _, d := range []durable.Decision{durable.DecisionFail, durable.DecisionSend} {
		b := &broken{body: half}
		durabletest.Bubble(t, simulator.Config{}, openai.Config{}, b.wrap, func(w *durabletest.World) {
			t := w.T
			job := missingJob(w)
			job.MaxAttempts = 1 // which a person overrules
			waits := undecided(w, job, 25)
			h := w.Attach()
			if err := h.Settle(t.Context(), "batch_other", d); err == nil || !strings.Contains(err.Error(), "no row of the batch is missing") {
				t.Errorf("another batch: %v", err)
			}
			for _, name := range []string{waits.Batch, waits.Tag} { // twice is no mistake
				if err := h.Settle(t.Context(), name, d); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			other := map[durable.Decision]durable.Decision{durable.DecisionFail: durable.DecisionSend, durable.DecisionSend: durable.DecisionFail}[d]
			if err := h.Settle(t.Context(), waits.Batch, other); err == nil || !strings.Contains(err.Error(), string(d)) {
				t.Errorf("decided otherwise: %v", err)
			}
			report := w.MustRun(job)
			failed := 0
			for id, r := range w.Results() {
				if r.Error == nil {
					continue
				}
				if failed++; r.Error.Code != "result_missing" || r.Error.Class != retry.Ambiguous {
					t.Errorf("%s: %+v", id, r.Error)
				}
			}
			want := map[durable.Decision]struct{ failed, retried, batches int }{
				durable.DecisionFail: {5, 0, 3}, durable.DecisionSend: {0, 5, 4},
			}[d]
			if n := len(w.Server.Batches()); failed != want.failed || report.Failed != want.failed || report.Retried != want.retried || report.Resent != want.retried || n != want.batches {
				t.Errorf("%s: %d failed, %d batches, report %+v", d, failed, n, report)
			}
			if err := h.Settle(t.Context(), waits.Batch, d); err != nil {
				t.Errorf("after all is over: %v", err)
			}
		})
	}
}

// A batch that waits does not keep others from being bought, and is settled
// while the run goes on as soon as somebody decides.
func TestAPersonDecidesWhileTheRunGoesOn(t *testing.T) {
	t.Parallel()
	b := &broken{body: half}
	slow := simulator.Config{Latency: simulator.Latency{Processing: 2 * time.Hour}}
	durabletest.Bubble(t, slow, openai.Config{}, b.wrap, func(w *durabletest.World) {
		t := w.T
		job := missingJob(w)
		job.MaxInFlight = 1
		asked := make(chan durable.Notice, 1)
		job.Notify = func(n durable.Notice) {
			if n.Kind == durable.NoticeUndecided {
				asked <- n
			}
		}
		run := startRun(t.Context(), w, job)
		n := <-asked
		if s := mustStatus(t, run.Handle); s.Succeeded != 5 || len(s.Open) != 2 {
			t.Errorf("when a person is asked: %+v", s)
		}
		if err := w.Attach().Settle(t.Context(), n.Batch, durable.DecisionFail); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if s := mustStatus(t, run.Handle); s.Failed != 5 || len(s.Open) != 1 || len(s.Notices) != 0 {
			t.Errorf("after it was decided: %+v", s)
		}
		report, err := run.Wait(t.Context())
		if err != nil || report.Failed != 5 || report.Succeeded != 25 || len(w.Server.Batches()) != 3 {
			t.Errorf("report %+v, %v", report, err)
		}
	})
}
