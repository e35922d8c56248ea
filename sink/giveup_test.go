package sink_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// The waits between refused creations grow.
func TestRefusedCreationsAreRepeatedMoreAndMoreRarely(t *testing.T) {
	const refusals = 20
	cfg := simulator.Config{Faults: []simulator.Fault{{Route: create, Action: simulator.ActionFail, Status: 429, Times: refusals}}}
	bubble(t, cfg, openai.Config{}, func(w world) {
		start := time.Now()
		for text, r := range w.mustRun(sink.Config{}, texts(3)) {
			if r.Err != nil {
				w.t.Errorf("%q: %+v", text, r)
			}
		}
		if took, first := time.Since(start), 10*time.Second; took <= refusals*first {
			w.t.Errorf("%d refusals took %s, as if each were the first", refusals, took)
		}
	})
}

// A batch runs to the end of its window and brings no result, and the provider
// says twice that nothing ran: its rows go again.
func TestRowsThatNeverRanInTheirWindowGoAgain(t *testing.T) {
	cfg := simulator.Config{
		Latency: simulator.Latency{Processing: 10_000 * time.Hour},
		Faults: []simulator.Fault{{
			Route: "GET /v1/batches/{id}", Action: simulator.ActionMerge, Times: -1,
			Merge: json.RawMessage(`{"output_file_id":null,"error_file_id":null,"request_counts":{"total":3,"completed":0,"failed":0}}`),
		}},
	}
	bubble(t, cfg, openai.Config{}, func(w world) {
		for text, r := range w.mustRun(sink.Config{Attempts: 2}, texts(3)) {
			if retry.ClassOf(r.Err) != retry.Retryable || !strings.Contains(r.Err.Error(), "not_executed") || r.Attempts != 2 {
				w.t.Errorf("%q: %+v", text, r)
			}
		}
		w.wantBatches(2)
	})
}

// halfway is a provider that refuses the key in the middle of a download.
type halfway struct{ sink.Provider }

var errKey = &retry.Error{Class: retry.Blocked, Code: "invalid_api_key"}

func (h halfway) Results(ctx context.Context, b sink.Handle) iter.Seq2[sink.Outcome, error] {
	return func(yield func(sink.Outcome, error) bool) {
		n := 0
		for o, err := range h.Provider.Results(ctx, b) {
			if n++; n == 3 {
				yield(sink.Outcome{}, errKey)
				return
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

// What came before the provider refused the key is paid for, and delivered.
func TestAnswersBeforeABlockAreDelivered(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{}, func(w world) {
		w.provider = halfway{w.provider}
		got, err := w.run(sink.Config{}, texts(5))
		if !errors.Is(err, errKey) || len(got) != 2 {
			w.t.Errorf("%d results, %v", len(got), err)
		}
		for text, r := range got {
			if r.Err != nil {
				w.t.Errorf("%q: %+v", text, r)
			}
		}
	})
}

// The upload of a batch that was taken back, as it was too large, is removed.
func TestTheUploadOfABatchThatWasTakenBackIsRemoved(t *testing.T) {
	tooLarge := []simulator.BatchError{{Code: "request_limit_exceeded", Message: "too many"}}
	cfg := simulator.Config{Faults: []simulator.Fault{{Route: create, Action: simulator.ActionInvalid, Errors: tooLarge}}}
	bubble(t, cfg, openai.Config{}, func(w world) {
		w.mustRun(sink.Config{Remove: true}, texts(8))
		w.wantBatches(3)
		for f, err := range w.provider.Files(w.t.Context()) {
			w.t.Errorf("%+v is left, %v", f, err)
		}
	})
}
