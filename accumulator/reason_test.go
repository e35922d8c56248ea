package accumulator_test

import (
	"fmt"
	"testing"

	"github.com/balerhq/baler/accumulator"
)

func TestReasonsHaveNames(t *testing.T) {
	got := fmt.Sprint(accumulator.ReasonSize, accumulator.ReasonWeight, accumulator.ReasonAge, accumulator.ReasonIdle,
		accumulator.ReasonFlush, accumulator.ReasonClose, accumulator.ReasonEvict, accumulator.Reason(99))
	if want := "size weight age idle flush close evict unknown"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
