package jobdir

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/balerhq/baler/internal/intent"
)

// tell replays lines and returns the tags of the chunks that count.
func tell(t *testing.T, lines ...Line) (tags []string, err error) {
	t.Helper()
	h := &History{Replayed: *NewReplayed()}
	for _, l := range lines {
		b, failed := json.Marshal(l)
		if failed != nil {
			t.Fatal(failed)
		}
		if err := h.replay(b); err != nil {
			return nil, err
		}
	}
	for _, s := range h.Settled {
		tags = append(tags, s.Tag)
	}
	return tags, nil
}

func chunkOf(tag string, from, until uint64, output OutputState) Line {
	return Line{Settled: &Settled{Tag: tag, From: from, Until: until, Output: output}}
}

// A chunk of which the output was taken back does not count, whoever comes
// next; nor does one that is settled again.
func TestWhatWasTakenBackDoesNotCount(t *testing.T) {
	none, ten, twenty := OutputState{Mark: "0"}, OutputState{Mark: "10", Succeeded: 10}, OutputState{Mark: "20", Succeeded: 20}
	back := func(to OutputState) Line { return Line{Output: &to} }
	for name, c := range map[string]struct {
		lines []Line
		want  []string
	}{
		"in order":      {[]Line{back(none), chunkOf("A", 0, 10, ten), chunkOf("B", 0, 10, twenty)}, []string{"A", "B"}},
		"first":         {[]Line{back(none), chunkOf("A", 0, 10, ten), back(none), chunkOf("B", 0, 10, ten)}, []string{"B"}},
		"second":        {[]Line{chunkOf("A", 0, 10, ten), chunkOf("B", 0, 10, twenty), back(ten), chunkOf("C", 0, 10, twenty)}, []string{"A", "C"}},
		"nothing":       {[]Line{chunkOf("A", 0, 10, ten), back(ten)}, []string{"A"}},
		"settled again": {[]Line{chunkOf("A", 0, 10, ten), chunkOf("A", 0, 10, ten)}, []string{"A"}},
		"an intent":     {[]Line{{Intent: &intent.Intent{Tag: "A"}}}, nil},
	} {
		if got, err := tell(t, c.lines...); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
	if _, err := tell(t, chunkOf("A", 0, 10, ten), chunkOf("B", 0, 10, twenty), back(none)); err == nil {
		t.Error("two chunks were taken back, of which one had been recorded")
	}
}
