package durable_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/simulator"
)

// Of two members of one name readers take the first or the last: nobody could
// say what was asked.
func TestABodyThatRepeatsAMemberIsRefused(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(3)...)
	job := w.Formatted("gpt-test", `{"model":%q,"messages":[{"role":"user","role":"user","content":%q}]}`)
	_, err := w.Run(t.Context(), job)
	var input *durable.InputError
	if !errors.As(err, &input) || input.Line != 1 || !strings.Contains(err.Error(), "member twice") {
		t.Errorf("error %v", err)
	}
	if n := len(w.Server.Batches()); n > 0 {
		t.Errorf("%d batches", n)
	}
}
