package intent_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/internal/intent"
)

func listed(batches ...string) intent.Event {
	return intent.Listed{Terms: terms, Batches: batches}
}

func TestTheFirstBatchFoundIsAdoptedAndTheOthersCancelled(t *testing.T) {
	i := apply(t, in(intent.Unknown), listed("a", "b", "c"))
	if diff := cmp.Diff([]string{"b", "c"}, i.Surplus); i.Batch != "a" || diff != "" {
		t.Fatalf("adopted %s: %s", i.Batch, diff)
	}
	for range i.Surplus {
		if got := i.Next(); got != intent.Cancel {
			t.Fatalf("next = %s, want cancel", got)
		}
		i = apply(t, i, intent.CancelDone{})
	}
	if got := i.Next(); got != intent.Poll || i.Rev != 10 {
		t.Errorf("next = %s at revision %d, want poll at 10", got, i.Rev)
	}
}

func TestASurplusBatchIsRecordedOnce(t *testing.T) {
	i := apply(t, in(intent.Unknown), listed("a", "b"), intent.CancelDone{}, listed("b", "a"), listed())
	if len(i.Surplus) != 1 || i.Next() != intent.Poll || i.Rev != 9 {
		t.Errorf("surplus %v, next %s, revision %d", i.Surplus, i.Next(), i.Rev)
	}
}

// One that was ever in doubt is looked for again when all else is done: that is
// the last chance to notice what came late.
func TestAnIntentThatWasInDoubtIsSweptAtItsEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		end  []intent.Event
		last intent.Action
	}{
		"settled": {[]intent.Event{intent.BatchEnded{}, intent.FetchDone{}, intent.SettleDone{}}, intent.Clean},
		"refused": {[]intent.Event{intent.Refused{}}, intent.Release},
	} {
		t.Run(name, func(t *testing.T) {
			i := apply(t, in(intent.Unknown), listed("a"))
			i = apply(t, i, tc.end...)
			if got := i.Next(); got != intent.Find {
				t.Fatalf("next = %s, want find", got)
			}
			if _, err := intent.Apply(i, intent.CleanDone{}); err == nil {
				t.Error("it could be forgotten without a last look")
			}
			i = apply(t, i, listed("a", "late"))
			if got := i.Next(); got != intent.Cancel {
				t.Fatalf("next = %s, want cancel", got)
			}
			if _, err := intent.Apply(i, intent.CleanDone{}); err == nil {
				t.Error("it could be forgotten while a second batch was running")
			}
			i = apply(t, i, intent.CancelDone{})
			if got := i.Next(); got != tc.last {
				t.Fatalf("next = %s, want %s", got, tc.last)
			}
			if i = apply(t, i, intent.CleanDone{}); !i.Done() {
				t.Errorf("state = %s", i.State)
			}
		})
	}
}

// Intents are values: what a caller keeps must not change under its hands.
func TestApplyDoesNotChangeAnEarlierState(t *testing.T) {
	before := apply(t, in(intent.Unknown), listed("a", "b", "c", "d"))
	one, two := apply(t, before, listed("x")), apply(t, before, listed("y"))
	if diff := cmp.Diff([]string{"b", "c", "d"}, before.Surplus); diff != "" {
		t.Error(diff)
	}
	if one.Surplus[3] != "x" || two.Surplus[3] != "y" {
		t.Errorf("surplus %v and %v share their memory", one.Surplus, two.Surplus)
	}
}
