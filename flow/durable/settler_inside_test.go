package durable

import (
	"context"
	"errors"
	"testing"
)

// An Output whose Write failed may hold those results. If others were written
// and recorded after them, its mark would cover both, and the first would come
// twice. A batch that waited for its turn while the Write failed must not have
// it.
func TestAnOutputThatFailedIsNotWrittenToAgain(t *testing.T) {
	writes, broken := 0, errors.New("broken")
	s := &settler{config: &config{output: each(func(context.Context, Result) error {
		writes++
		return broken
	})}}
	for range 2 {
		if err := s.deliver(t.Context(), make([]Result, 1)); !errors.Is(err, broken) {
			t.Errorf("err = %v", err)
		}
	}
	if writes != 1 {
		t.Errorf("%d writes", writes)
	}
}
