package intent_test

import (
	"errors"
	"testing"

	"github.com/balerhq/baler/internal/intent"
)

// A batch of which rows are missing is not committed before they came, or
// somebody has decided.
func TestMissingRowsWait(t *testing.T) {
	part := apply(t, in(intent.Ended), intent.FetchDone{Missing: 2})
	if _, err := intent.Apply(part, intent.SettleDone{}); !errors.Is(err, intent.ErrOutOfOrder) {
		t.Errorf("committed though rows are missing: %v", err)
	}
	waits := apply(t, part, intent.SettlePart{}, intent.FetchPart{Missing: 1, Undecided: true})
	if waits.State != intent.Ended || waits.Missing != 1 || !waits.Undecided || waits.Next() != intent.Fetch {
		t.Errorf("%+v", waits)
	}
	if again := apply(t, waits, intent.FetchPart{Missing: 1}); again.Rev != waits.Rev || !again.Undecided {
		t.Errorf("nothing new, but %+v", again)
	}
	came := apply(t, waits, intent.FetchDone{}, intent.SettleDone{})
	if came.State != intent.Committed || came.Missing != 0 || came.Undecided {
		t.Errorf("all came, but %+v", came)
	}
	decided := apply(t, waits, intent.Decided{Verdict: intent.SendMissing}, intent.FetchDone{Missing: 1}, intent.SettleDone{})
	if decided.State != intent.Committed || decided.Undecided {
		t.Errorf("decided, but %+v", decided)
	}
	for _, second := range []intent.Event{intent.Decided{Verdict: intent.FailMissing}, intent.Decided{}} {
		if _, err := intent.Apply(apply(t, waits, intent.Decided{Verdict: intent.SendMissing}), second); !errors.Is(err, intent.ErrOutOfOrder) {
			t.Errorf("decided twice: %v", err)
		}
	}
}
