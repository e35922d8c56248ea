package sink_test

import (
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/sinktest"
)

// The rows of a batch that has ended say whose it is. A batch of the same size
// that another stage has bought is not it.
func TestLostCreationOfAProviderWithoutTagsIsFoundByItsRows(t *testing.T) {
	lost := simulator.Config{
		Latency: simulator.Latency{Processing: 3 * time.Hour},
		Faults:  []simulator.Fault{{Route: create, From: 2, Action: simulator.ActionResetAfter}},
	}
	bubble(t, lost, openai.Config{}, func(w world) {
		w.provider = sinktest.Untagged(w.provider)
		ended := make(chan error, 1)
		go func() {
			_, err := collect(w.t, w.t.Context(), sink.FromSlices(w.provider, w.request, sink.Config{}), textsFrom(5, 5))
			ended <- err
		}()
		time.Sleep(time.Minute)
		for text, r := range w.mustRun(sink.Config{}, texts(5)) {
			if r.Err != nil || r.Attempts != 1 {
				w.t.Errorf("%q: %v", text, r.Err)
			}
		}
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
		w.wantBatches(2)
		w.wantBilled(10)
	})
}

// Who cannot tell whether a batch exists says so, and buys nothing twice.
func TestLostCreationThatCannotBeFoundIsAmbiguous(t *testing.T) {
	for name, provider := range map[string]func(sink.Provider) sink.Provider{
		"no list":           func(p sink.Provider) sink.Provider { return unlisted{sinktest.Untagged(p)} },
		"runs for too long": sinktest.Untagged,
	} {
		lost := simulator.Config{
			Latency: simulator.Latency{Processing: 20 * time.Hour},
			Faults:  []simulator.Fault{fault(create, simulator.ActionResetAfter)},
		}
		bubble(t, lost, openai.Config{Limits: sink.Limits{Window: time.Hour}}, func(w world) {
			w.provider = provider(w.provider)
			for text, r := range w.mustRun(sink.Config{}, texts(5)) {
				if retry.ClassOf(r.Err) != retry.Ambiguous {
					w.t.Errorf("%s: %q: %v", name, text, r.Err)
				}
			}
			w.wantBatches(1)
		})
	}
}

// unlisted is a provider that lists no batches.
type unlisted struct{ sink.Provider }

func (u unlisted) Info() sink.Info {
	info := u.Provider.Info()
	info.Lists = false
	return info
}
