package sink_test

import (
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/sinktest"
)

// A stage does not outlive its batches, so it cannot wait until one that cannot
// be named has ended. It says what it does not know, and buys nothing twice.
func TestLostCreationOfAProviderWithoutTagsIsAmbiguous(t *testing.T) {
	lost := simulator.Config{Faults: []simulator.Fault{fault(create, simulator.ActionResetAfter)}}
	bubble(t, lost, openai.Config{}, func(w world) {
		w.provider = sinktest.Untagged(w.provider.(*openai.Client))
		for text, r := range w.mustRun(sink.Config{}, texts(5)) {
			if retry.ClassOf(r.Err) != retry.Ambiguous {
				w.t.Errorf("%q: %+v", text, r)
			}
		}
		w.wantBatches(1)
	})
}
