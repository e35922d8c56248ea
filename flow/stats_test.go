package flow_test

import (
	"context"
	"runtime"
	"slices"
	"testing"

	"github.com/balerhq/baler/flow"
)

func TestStatsNeverGoBack(t *testing.T) {
	p := flow.New(t.Context(), flow.WithStats())
	flow.To(p, flow.From(p, slices.Values(make([]int, 20_000))), func(context.Context, int) error {
		runtime.Gosched() // so that the source waits often
		return nil
	})
	done := make(chan error)
	go func() { done <- p.Wait() }()
	before := p.Stats()
	for ended := false; !ended; {
		select {
		case err := <-done:
			if ended = true; err != nil {
				t.Error(err)
			}
		default:
		}
		now := p.Stats()
		for i, s := range now {
			if b := before[i]; s.In < b.In || s.Out < b.Out || s.Held < b.Held {
				t.Fatalf("%+v after %+v", s, b)
			}
		}
		before = now
	}
}
