package intent_test

import (
	"errors"
	"testing"

	"github.com/balerhq/baler/internal/intent"
)

// The rows of an abandoned batch are freed first, whatever the provider does.
// Then the batch is looked for and cancelled. What it may have cost stays
// counted, or more if that is known.
func TestAnAbandonedBatchFreesItsRowsAndIsLookedFor(t *testing.T) {
	for _, from := range []intent.State{intent.Unknown, intent.Held} {
		i := in(from)
		i.Doubts, i.Reserved = 1, 50
		i = apply(t, i, intent.Abandoned{Reason: intent.Reason{Code: "abandoned"}})
		if i.Next() != intent.Release || i.Waste != 50 || i.Open() {
			t.Fatalf("%+v", i)
		}
		if _, err := intent.Apply(i, intent.CleanDone{}); !errors.Is(err, intent.ErrOutOfOrder) {
			t.Errorf("done before its rows are free: %v", err)
		}
		if i = apply(t, i, intent.Freed{}); i.Next() != intent.Find {
			t.Fatalf("%+v", i)
		}
		if i = apply(t, i, intent.Listed{Batches: []string{"late"}}); i.Next() != intent.Cancel {
			t.Fatalf("%+v", i)
		}
		i = apply(t, i, intent.CancelDone{})
		if got := apply(t, i, intent.CleanDone{Waste: 20}); got.Waste != 50 || !got.Done() {
			t.Errorf("%+v", got)
		}
		if got := apply(t, i, intent.CleanDone{Waste: 70}); got.Waste != 70 {
			t.Errorf("%+v", got)
		}
	}
}
