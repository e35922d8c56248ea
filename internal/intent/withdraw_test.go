package intent_test

import (
	"testing"

	"github.com/balerhq/baler/internal/intent"
)

// A batch may be refused that was sent without an answer before, and then not
// found. It may appear late: it is looked for once more, and what is found is
// cancelled before the rows are freed.
func TestRefusedInDoubtIsSweptFirst(t *testing.T) {
	in, err := intent.Apply(intent.Intent{Tag: "t", Rev: 1, State: intent.Uploaded, Doubts: 1}, intent.Refused{})
	if err != nil || in.Next() != intent.Find {
		t.Fatalf("%+v, %v", in, err)
	}
	in, err = intent.Apply(in, intent.Listed{Batches: []string{"late"}})
	if err != nil || in.Next() != intent.Cancel || in.Surplus[0] != "late" {
		t.Fatalf("%+v, %v", in, err)
	}
	in, err = intent.Apply(in, intent.CancelDone{})
	if err != nil || in.Next() != intent.Release {
		t.Errorf("%+v, %v", in, err)
	}
}
