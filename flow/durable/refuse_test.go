package durable_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// asking is a job whose rows call what typo has for their id, or chat.
func asking(w *durabletest.World, typo map[string]sink.Request) durable.Job[durabletest.Ticket] {
	job := w.Job()
	job.Prompt = nil
	job.Request = func(tk durabletest.Ticket) (sink.Request, error) {
		r := sink.Request{Endpoint: "/v1/chat/completions", Model: "gpt-test"}
		if odd, ok := typo[tk.ID]; ok {
			r = odd
		}
		r.Body = []byte(`{"model":"` + r.Model + `","messages":[{"role":"user","content":"` + tk.ID + `"}]}`)
		return r, nil
	}
	return job
}

// A batch that cannot be created fails with its rows, and nothing else does.
func TestABatchThatIsRefusedForGoodStopsNoOther(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		faults []simulator.Fault
		typo   sink.Request
		code   string
	}{
		"an endpoint that there is not": {nil, sink.Request{Endpoint: "/v1/chat/completion", Model: "gpt-test"}, "invalid_value"},
		"a creation": {
			[]simulator.Fault{{
				Route: "POST /v1/batches", Action: simulator.ActionReplace, Status: http.StatusBadRequest,
				Body: `{"error":{"message":"no batches of this model","type":"invalid_request_error","param":"model","code":"model_unsupported"}}`,
			}}, sink.Request{Endpoint: "/v1/chat/completions", Model: "other"}, "model_unsupported",
		},
		"an upload": {
			[]simulator.Fault{{
				Route: "POST /v1/files", Action: simulator.ActionReplace, Status: http.StatusBadRequest,
				Body: `{"error":{"message":"Invalid file format","type":"invalid_request_error","param":null,"code":null}}`,
			}}, sink.Request{Endpoint: "/v1/chat/completions", Model: "other"}, "invalid_request_error",
		},
	} {
		durabletest.Bubble(t, simulator.Config{Faults: test.faults}, openai.Config{}, nil, func(w *durabletest.World) {
			t := w.T
			w.Write("in.jsonl", durabletest.Tickets(10)...)
			job := asking(w, map[string]sink.Request{"t-9": test.typo})
			var told []durable.Notice
			job.Notify = func(n durable.Notice) { told = append(told, n) }
			report := w.MustRun(job)
			// Which of the two batches a fault hits is for the fault to say.
			if report.Succeeded+report.Failed != 10 || report.Failed != 1 && report.Failed != 9 || report.Batches != 1 {
				t.Errorf("%s: report %+v", name, report)
			}
			for id, r := range w.Results() {
				if r.Status == durable.ItemFailed && (r.Error.Class != retry.Permanent || r.Error.Code != test.code || r.Error.Message == "") {
					t.Errorf("%s: %s: %+v", name, id, r.Error)
				}
			}
			if len(told) != 1 || told[0].Kind != durable.NoticeRefused || !strings.Contains(told[0].Text, test.code) {
				t.Errorf("%s: told %+v", name, told)
			}
			w.WantBilledOnce(report.Succeeded)
		})
	}
}
