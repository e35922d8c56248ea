package openai_test

import (
	"testing"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/simulator"
)

// Once a batch was seen with all its files, reading its results and removing it
// take no other look at it.
func TestAWholeBatchIsLookedAtOnce(t *testing.T) {
	const look, remove = "GET /v1/batches/{id}", "DELETE /v1/files/{id}"
	server, c := simulate(t, simulator.Config{})
	h := buy(t, c, "tag", chat("one"), chat("[[400]]"))
	await(t, c, h, "completed")
	before := requests(t, server, look)
	if got := outcomes(t, c, h); len(got) != 2 || requests(t, server, look) != before {
		t.Errorf("%d outcomes, %d looks", len(got), requests(t, server, look)-before)
	}
	if got := outcomes(t, c, h); len(got) != 2 || requests(t, server, look) != before+1 {
		t.Errorf("again: %d outcomes, %d looks", len(got), requests(t, server, look)-before)
	}
	if err := c.Remove(t.Context(), sink.Handle{File: h.File}); err != nil {
		t.Fatal(err)
	}
	if err := c.Remove(t.Context(), sink.Handle{Batch: h.Batch}); err != nil || requests(t, server, look) != before+1 || requests(t, server, remove) != 3 {
		t.Errorf("%d looks, %d files removed: %v", requests(t, server, look)-before, requests(t, server, remove), err)
	}
	if err := c.Remove(t.Context(), h); err != nil || requests(t, server, look) != before+2 {
		t.Errorf("removed again: %d looks: %v", requests(t, server, look)-before, err)
	}
}

// What a batch names may not be all, until all of its rows are in its files.
func TestABatchThatIsNotWholeIsLookedAtAgain(t *testing.T) {
	const look = "GET /v1/batches/{id}"
	server, c := simulate(t, simulator.Config{})
	h := buy(t, c, "tag", chat("fine"), `{"model":"m"}`)
	await(t, c, h, "failed")
	before := requests(t, server, look)
	outcomes(t, c, h)
	if n := requests(t, server, look) - before; n != 1 {
		t.Errorf("%d looks", n)
	}
	if err := c.Remove(t.Context(), h); err != nil || requests(t, server, look) != before+2 {
		t.Errorf("%d looks: %v", requests(t, server, look)-before, err)
	}
}
