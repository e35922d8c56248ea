package durable

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/balerhq/baler/internal/intent"
)

// tell replays lines and returns the tags of the chunks that count.
func tell(t *testing.T, lines ...logged) (tags []string, err error) {
	t.Helper()
	h := &history{memory: *newMemory()}
	for _, l := range lines {
		b, failed := json.Marshal(l)
		if failed != nil {
			t.Fatal(failed)
		}
		if err := h.replay(b); err != nil {
			return nil, err
		}
	}
	for _, s := range h.settled {
		tags = append(tags, s.Tag)
	}
	return tags, nil
}

func chunkOf(tag string, from, until uint64, output outputState) logged {
	return logged{Settled: &settled{Tag: tag, From: from, Until: until, Output: output}}
}

// A chunk of which the output was taken back does not count, whoever comes next;
// nor does one that is settled again.
func TestWhatWasTakenBackDoesNotCount(t *testing.T) {
	none, ten, twenty := outputState{Mark: "0"}, outputState{Mark: "10", Succeeded: 10}, outputState{Mark: "20", Succeeded: 20}
	back := func(to outputState) logged { return logged{Output: &to} }
	for name, c := range map[string]struct {
		lines []logged
		want  []string
	}{
		"in order":      {[]logged{back(none), chunkOf("A", 0, 10, ten), chunkOf("B", 0, 10, twenty)}, []string{"A", "B"}},
		"first":         {[]logged{back(none), chunkOf("A", 0, 10, ten), back(none), chunkOf("B", 0, 10, ten)}, []string{"B"}},
		"second":        {[]logged{chunkOf("A", 0, 10, ten), chunkOf("B", 0, 10, twenty), back(ten), chunkOf("C", 0, 10, twenty)}, []string{"A", "C"}},
		"nothing":       {[]logged{chunkOf("A", 0, 10, ten), back(ten)}, []string{"A"}},
		"settled again": {[]logged{chunkOf("A", 0, 10, ten), chunkOf("A", 0, 10, ten)}, []string{"A"}},
		"an intent":     {[]logged{{Intent: &intent.Intent{Tag: "A"}}}, nil},
	} {
		if got, err := tell(t, c.lines...); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
	if _, err := tell(t, chunkOf("A", 0, 10, ten), chunkOf("B", 0, 10, twenty), back(none)); err == nil {
		t.Error("two chunks were taken back, of which one had been recorded")
	}
}
