package source_test

import (
	"slices"
	"testing"

	"github.com/balerhq/baler/flow/source"
)

func TestASequenceCannotResume(t *testing.T) {
	s := source.Seq("s", slices.Values([]int{1, 2, 3}))
	var got []int
	for v, err := range s.Items() {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, v); v == 2 {
			break
		}
	}
	if name, n := s.Position(); !slices.Equal(got, []int{1, 2}) || name != "s" || n != 2 {
		t.Errorf("got %v, position %s:%d", got, name, n)
	}
	if s.Checkpoint() != "" || s.Resume("") == nil {
		t.Error("a sequence must not claim to go on where it was")
	}
}
