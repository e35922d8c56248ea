package durable_test

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// An account whose storage is full costs no row: the upload is made once there
// is room, and what to do is told at once.
func TestFullStorageIsToldAndPasses(t *testing.T) {
	t.Parallel()
	const full = `{"error":{"message":"You have exceeded your file storage quota. Organizations are limited to 100 GB of files. ` +
		`Please delete old files.","type":"invalid_request_error","param":null,"code":null}}`
	durabletest.Bubble(t, simulator.Config{
		Faults: []simulator.Fault{{Route: uploadFile, Times: 3, Action: simulator.ActionReplace, Status: 400, Body: full}},
	}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(10)...)
		job := w.Job()
		var told []durable.Notice
		job.Notify = func(n durable.Notice) { told = append(told, n) }
		if report := w.MustRun(job); report.Succeeded != 10 {
			w.T.Errorf("report %+v", report)
		}
		if len(told) == 0 || told[0].Kind != durable.NoticeStorage || !strings.Contains(told[0].Advice, "--sweep") || told[0].Next.IsZero() {
			w.T.Errorf("told %+v", told)
		}
		if s, err := w.Attach().Status(); err != nil || len(s.Notices) > 0 {
			w.T.Errorf("%+v, %v", s.Notices, err)
		}
	})
}
