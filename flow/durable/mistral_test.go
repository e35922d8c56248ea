package durable_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/mistral"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// What may become of the rows of a batch at Mistral, in one run and with the
// rows in files or in the creation: a creation is answered by a reset, some
// rows expire, some are cancelled by somebody, one fails for good, and the
// results come late and cut.
func TestARunAtMistralSettlesEveryRow(t *testing.T) {
	t.Parallel()
	const jobs, content = "/mistral/v1/batch/jobs", "GET /mistral/v1/files/{id}/content"
	rows := append(durabletest.Tickets(19), `{"id":"bad","text":"[[400]]"}`)
	cfg := simulator.Config{Latency: simulator.Latency{Processing: 10 * time.Minute, Cancelling: time.Minute}}
	for _, inline := range []int{0, 10} {
		t.Run(fmt.Sprint(inline), func(t *testing.T) {
			t.Parallel()
			durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
				w.Write("in.jsonl", rows...)
				client, job := atMistral(w, mistral.Config{InlineRows: inline})
				w.SetFaults(
					simulator.Fault{Route: "POST " + jobs, Action: simulator.ActionResetAfter},
					simulator.Fault{Route: content, Action: simulator.ActionFail, Status: 404},
					simulator.Fault{Route: content, Action: simulator.ActionReplace, Body: "<html>"},
					simulator.Fault{Route: content, Action: simulator.ActionTruncate, Times: 2},
				)
				done := make(chan struct{})
				go func() {
					defer close(done)
					time.Sleep(3 * time.Minute)
					if err := client.Cancel(w.T.Context(), sink.Handle{Batch: w.Server.Batches()[0].ID}); err != nil {
						w.T.Error(err)
					}
					time.Sleep(2 * time.Minute)
					if err := w.Server.Advance(24 * time.Hour); err != nil {
						w.T.Error(err)
					}
				}()
				report := w.MustRun(job)
				<-done
				if report.Succeeded != 19 || report.Failed != 1 || report.Surplus != 0 {
					w.T.Errorf("report %+v", report)
				}
				// It goes again only if it had not run when its batch was
				// cancelled.
				if bad := w.Results()["bad"]; bad.Error == nil || bad.Attempts > 2 {
					w.T.Errorf("bad: %+v", bad)
				}
				w.WantBilledOnce(20)
				if n := w.Billed(); n != 19 {
					w.T.Errorf("%d rows were billed", n)
				}
			})
		})
	}
}

// A row above the limits is refused before anything is bought.
func TestARowAboveMistralsLimitsIsNotBought(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		_, job := atMistral(w, mistral.Config{Limits: sink.Limits{Bytes: 20}})
		_, err := w.Run(w.T.Context(), job)
		if n := len(w.Server.Batches()); n > 0 || err == nil || !strings.Contains(err.Error(), "a batch at most 20") {
			w.T.Errorf("%d batches, %v", n, err)
		}
	})
}

// atMistral is a job at Mistral in batches of ten rows.
func atMistral(w *durabletest.World, adjust mistral.Config) (*mistral.Client, durable.Job[durabletest.Ticket]) {
	w.T.Helper()
	adjust.BaseURL, adjust.Transport, adjust.Calls = w.Server.URL+"/mistral", w.Server.Client().Transport, sink.EvenCalls(1_000_000)
	client, err := mistral.New("mistral-test", adjust)
	if err != nil {
		w.T.Fatal(err)
	}
	job := w.BriskJob()
	job.Provider, job.Model, job.Batch.MaxItems = client, "mistral-test", 10
	return client, job
}

// A request in OpenAI's format is read as one, and is refused by the name of a
// member that is Mistral's neither way. Mistral's own requests stay as they
// are.
func TestARequestInOpenAIsFormatGoesToMistral(t *testing.T) {
	t.Parallel()
	const chat, tool = `{"role":"user","content":"hi"}`, `{"role":"tool","content":"a","tool_call_id":"t"}`
	for body, refused := range map[string]string{
		`{"model":"mistral-small","max_completion_tokens":9,"seed":7,"messages":[` + chat + `]}`:             "",
		`{"model":"mistral-small","max_tokens":9,"random_seed":7,"messages":[` + chat + `,` + tool + `]}`:    "",
		`{"model":"mistral-small","messages":[` + chat + `],"verbosity":"low"}`:                              `the option "verbosity"`,
		`{"model":"mistral-small","max_completion_tokens":9,"messages":[` + chat + `,` + tool + `]}`:         `"max_completion_tokens"`,
		`{"model":"mistral-small","messages":[` + chat + `],"logit_bias":{"7":1},"max_completion_tokens":9}`: `the option "logit_bias"`,
	} {
		durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
			w.Write("in.jsonl", durabletest.Tickets(1)...)
			_, job := atMistral(w, mistral.Config{})
			job.Prompt, job.Formats = nil, catalog.Formats("mistral")
			job.Request = func(durabletest.Ticket) (sink.Request, error) {
				return sink.Request{Endpoint: mistral.ChatEndpoint, Model: "mistral-small", Body: []byte(body)}, nil
			}
			report, err := w.Run(w.T.Context(), job)
			switch {
			case refused == "" && (err != nil || report.Succeeded != 1 || report.Routes[0].Model != "mistral-small"):
				w.T.Errorf("%s: %v, %+v", body, err, report)
			case refused != "" && (err == nil || !strings.Contains(err.Error(), "in.jsonl:1: ") || !strings.Contains(err.Error(), refused) || len(w.Server.Batches()) > 0):
				w.T.Errorf("%s: %v", body, err)
			}
		})
	}
}
