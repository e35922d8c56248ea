package durable_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/sinktest"
)

// A row that ran without an answer was paid for, as far as the provider counts:
// where all else is lost, its batch says so, and it is not bought again.
func TestRowsThatRanWithoutAnAnswerAreAdopted(t *testing.T) {
	t.Parallel()
	silent := func(r simulator.Row) simulator.Reply {
		if strings.Contains(string(r.Body), "number 3") {
			return simulator.Reply{Raw: []byte(`"response":{"status_code":200,"request_id":"r","body":null},"error":null`)}
		}
		return simulator.Echo(r)
	}
	durabletest.Bubble(t, simulator.Config{Answer: silent}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(10)...)
		job := w.Job()
		job.KeepRemote = durable.KeepForever
		forgetRun(w, job)
		if a := adoptOne(w); a.Adopted != 10 {
			w.T.Errorf("%+v", a)
		}
		report := w.MustRun(job)
		if report.Failed != 1 || report.Succeeded != 9 || report.Batches != 1 || report.Failures["no_answer"] != 1 {
			w.T.Errorf("report %+v", report)
		}
		if n := len(w.Server.Batches()); n != 1 {
			w.T.Errorf("%d batches were bought", n)
		}
	})
}

// A file that is gone or short for a moment costs nothing: what is not adopted
// is bought again.
func TestResultsAreReadAgainBeforeTheyAreGivenUp(t *testing.T) {
	for name, fault := range map[string]simulator.Fault{
		"gone":  {Action: simulator.ActionReplace, Status: http.StatusNotFound, Body: `{"error":{"message":"No such File object"}}`},
		"short": {Action: simulator.ActionCut},
	} {
		t.Run(name, func(t *testing.T) {
			durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(9)...)
				job := w.Job()
				job.KeepRemote = durable.KeepForever
				forgetRun(w, job)
				fault.Route, fault.Times = contentRoute, 1
				w.SetFaults(fault)
				if a := adoptOne(w); a.Adopted != 9 || a.Lost.Total() != 0 {
					w.T.Errorf("%+v", a)
				}
			})
		})
	}
}

// A batch whose results are not there yet may be the run's: that is told, and
// the others are adopted. Once it has results, it is somebody else's.
func TestABatchWithoutResultsIsToldWhenOthersAreAdopted(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(9)...)
		u := &untagged{World: w}
		u.job = w.Job()
		u.job.Provider, u.job.KeepRemote = sinktest.Untagged(w.Provider), durable.KeepForever
		forgetRun(w, u.job)
		u.stranger(9)
		time.Sleep(processing)
		adopt := func(p sink.Provider) map[string]durable.Orphan {
			all, err := w.StateDir().Adopt(w.T.Context(), p, "tickets", time.Now().Add(-24*time.Hour))
			if err != nil {
				w.T.Fatal(err)
			}
			found := make(map[string]durable.Orphan)
			for _, o := range all {
				found[o.Batch] = o
			}
			return found
		}
		found := adopt(unread{u.job.Provider, u.foreign.Batch})
		if o := found[u.foreign.Batch]; len(found) != 2 || o.Adopted != 0 || o.Left == "" || o.Lost.Gone != 9 {
			w.T.Errorf("%+v", found)
		}
		if o := found[w.Server.Batches()[0].ID]; o.Adopted != 9 {
			w.T.Errorf("the run's own: %+v", o)
		}
		if found := adopt(u.job.Provider); len(found) != 0 {
			w.T.Errorf("later: %+v", found)
		}
	})
}
