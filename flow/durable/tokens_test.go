package durable_test

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// A report tells about how many tokens of input it has read, without those of
// items that are not sent.
func TestInputTokens(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(4)...)
		job := w.BriskJob()
		job.Prompt = func(t durabletest.Ticket) (llm.Chat, error) {
			text := strings.Repeat("x", 40_000)
			if t.ID == "t-3" {
				text = strings.Repeat("y", 20_000)
			}
			return llm.Ask(text), nil // t-0, t-1 and t-2 ask the same
		}
		report, err := w.With(w.T.Context(), job, durable.Ingest[durabletest.Ticket])
		if n := report.InputTokens; err != nil || n < 15_000 || n > 15_100 {
			w.T.Errorf("%d tokens, %v", n, err)
		}
		if report = w.MustRun(job); report.InputTokens != 0 || report.Shared != 2 {
			w.T.Errorf("read again: %d tokens, %d shared", report.InputTokens, report.Shared)
		}
	})
}
