package sink_test

import (
	"errors"
	"testing"
	"time"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// A stage whose creation at Anthropic was not answered finds its batch among
// those of three other stages, which have as many rows and were created in the
// same minute; or it sends it again if it is not among them.
func TestAStageFindsItsLostBatchAtAnthropic(t *testing.T) {
	for name, lost := range map[string]simulator.Action{"created": simulator.ActionResetAfter, "not created": simulator.ActionReset} {
		t.Run(name, func(t *testing.T) {
			cfg := simulator.Config{
				Latency: simulator.Latency{Processing: 30 * time.Minute},
				Faults:  []simulator.Fault{{Route: "POST /anthropic/v1/messages/batches", From: 2, Action: lost}},
			}
			bubble(t, cfg, openai.Config{}, func(w world) {
				client, err := anthropic.New(key, anthropic.Config{
					BaseURL: "http://127.0.0.1/anthropic", Transport: w.server.Client().Transport, Calls: sink.EvenCalls(1_000_000),
				})
				if err != nil {
					w.t.Fatal(err)
				}
				w.provider, w.codec, w.model = client, client.Info().Codec, "claude-test"
				ended := make(chan error, 3)
				for i := range cap(ended) {
					go func() {
						time.Sleep(time.Duration(i) * 20 * time.Second)
						got, err := collect(w.t, w.t.Context(), sink.FromSlices(w.provider, w.request, sink.Config{}), textsFrom(5*(i+1), 5))
						for _, r := range got {
							err = errors.Join(err, r.Err)
						}
						ended <- err
					}()
				}
				time.Sleep(10 * time.Second)
				for text, r := range w.mustRun(sink.Config{}, texts(5)) {
					if r.Err != nil || r.Attempts != 1 {
						w.t.Errorf("%q: %d attempts, %v", text, r.Attempts, r.Err)
					}
				}
				for range cap(ended) {
					if err := <-ended; err != nil {
						w.t.Error(err)
					}
				}
				w.wantBatches(4)
				w.wantBilled(20)
			})
		})
	}
}
