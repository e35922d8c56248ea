package durable_test

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// A row that ran without an answer was paid for, as far as the provider counts:
// where all else is lost, its batch says so, and it is not bought again.
func TestRowsThatRanWithoutAnAnswerAreAdopted(t *testing.T) {
	silent := func(r simulator.Row) simulator.Reply {
		if strings.Contains(string(r.Body), "number 3") {
			return simulator.Reply{Raw: []byte(`"response":{"status_code":200,"request_id":"r","body":null},"error":null`)}
		}
		return simulator.Echo(r)
	}
	bubble(t, simulator.Config{Answer: silent}, openai.Config{}, nil, func(w *airtight) {
		w.write("in.jsonl", tickets(10)...)
		job := w.job()
		job.KeepRemote = durable.KeepForever
		w.forget(job)
		if a := w.adoptOne(); a.Adopted != 10 {
			w.t.Errorf("%+v", a)
		}
		report := w.mustRun(job)
		if report.Failed != 1 || report.Succeeded != 9 || report.Batches != 1 || report.Failures["no_answer"] != 1 {
			w.t.Errorf("report %+v", report)
		}
		if n := len(w.server.Batches()); n != 1 {
			w.t.Errorf("%d batches were bought", n)
		}
	})
}
