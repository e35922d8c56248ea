package intent_test

import (
	"testing"

	"github.com/balerhq/baler/internal/intent"
)

// A "no" to a creation that repeats one says nothing about the first. So the
// batch is looked for before its rows are taken back.
func TestNoToARepeatedCreationLeavesADoubt(t *testing.T) {
	i := in(intent.Uploaded)
	for n, tc := range []struct {
		event intent.Event
		state intent.State
	}{
		{intent.Sending{Now: sent, Deadline: deadline}, intent.Creating},
		{intent.Unclear{Now: deadline}, intent.Unknown},
		{intent.Sending{Now: deadline, Deadline: overdue, Repeats: true}, intent.Creating},
		{intent.NotCreated{}, intent.Unknown},
		{intent.Listed{Waited: grace, Terms: terms}, intent.Unknown},
		{intent.Listed{Waited: grace, Terms: terms}, intent.Uploaded},
		{intent.Sending{Now: overdue, Deadline: overdue}, intent.Creating},
		{intent.NotCreated{}, intent.Uploaded},
	} {
		next, err := intent.Apply(i, tc.event)
		if err != nil || next.State != tc.state {
			t.Fatalf("step %d: %T leads to %s, %v", n, tc.event, next.State, err)
		}
		i = next
	}
	if !i.InDoubt() {
		t.Error("nobody looks for a second batch")
	}
}
