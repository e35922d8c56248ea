package durable_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// Labels stay with a run until it gets others, or begins anew.
func TestLabelsStayWithTheRun(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		first, second := map[string]string{"team": "support", "night": ""}, map[string]string{"team": "sales"}
		for i, start := range []struct {
			given, want map[string]string
		}{{first, first}, {nil, first}, {second, second}, {map[string]string{}, nil}} {
			job := w.Job()
			job.Labels = start.given
			w.MustRun(job)
			if s, err := w.Attach().Status(); err != nil || !maps.Equal(s.Labels, start.want) {
				w.T.Errorf("start %d: %v, %v, want %v", i, s.Labels, err, start.want)
			}
		}
	})
}

func TestLabelsAreChecked(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		many := make(map[string]string)
		for i := range 33 {
			many[strings.Repeat("a", i+1)] = ""
		}
		for want, labels := range map[string]map[string]string{
			"must have 1 to 64": {"": "x"}, "no =": {"a=b": "x"}, "at most 256": {"a": strings.Repeat("x", 257)}, "control": {"a": "x\ny"}, "at most 32": many,
		} {
			job := w.Job()
			job.Labels = labels
			if _, err := w.Run(w.T.Context(), job); err == nil || !strings.Contains(err.Error(), want) {
				w.T.Errorf("%v, want %q", err, want)
			}
		}
	})
}
