package durable_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// A job that asks something else than it did is refused when it is resumed: it
// would hold for the rest of its items only.
func TestAJobThatAsksSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	ids := func(t durabletest.Ticket) bool { return !strings.HasSuffix(t.ID, "-0") }
	for what, change := range map[string]func(*durable.Job[durabletest.Ticket]){
		"Prompt": func(j *durable.Job[durabletest.Ticket]) {
			j.Prompt = func(t durabletest.Ticket) (llm.Chat, error) { return llm.Ask("Translate: " + t.Text), nil }
		},
		"Key": func(j *durable.Job[durabletest.Ticket]) {
			j.Key = func(t durabletest.Ticket) string { return "x" + t.ID }
		},
		"Where": func(j *durable.Job[durabletest.Ticket]) { j.Where = nil },
		"Where the job": func(j *durable.Job[durabletest.Ticket]) {
			j.Where = func(t durabletest.Ticket) bool { return ids(t) && !strings.HasSuffix(t.ID, "-1") }
		},
		"Key, or Prompt": func(j *durable.Job[durabletest.Ticket]) {
			j.Prompt = func(durabletest.Ticket) (llm.Chat, error) { return llm.Chat{}, errors.New("no prompt") }
		},
	} {
		w := durabletest.New(t, simulator.Config{})
		w.Write("in.jsonl", durabletest.Tickets(40)...)
		job := w.Job()
		job.Batch.MaxItems, job.Where = 10, ids
		w.Leave(job, 1)
		before := len(w.Server.Batches())
		changed := job
		change(&changed)
		_, err := w.Run(t.Context(), changed)
		if _, ok := errors.AsType[*durable.MismatchError](err); !ok || !strings.Contains(err.Error(), "the "+strings.TrimSuffix(what, " the job")) ||
			!strings.Contains(err.Error(), "in.jsonl:2") || what == "Key, or Prompt" && !strings.Contains(err.Error(), "no prompt") {
			t.Errorf("%s: %v", what, err)
		}
		if n := len(w.Server.Batches()); n != before {
			t.Errorf("%s: %d batches, %d before", what, n, before)
		}
		if report := w.MustRun(job); report.Succeeded != 39 || report.Filtered != 1 {
			t.Errorf("%s: %+v", what, report)
		}
		if _, err := w.Run(t.Context(), changed); !errors.As(err, new(*durable.MismatchError)) {
			t.Errorf("%s, after its end: %v", what, err)
		}
	}
}
