package durable

import (
	"testing"

	"github.com/balerhq/baler/internal/intent"
)

// A decision to buy again is about the creation that was in doubt, and not
// about a later one of the same batch.
func TestADecisionIsAboutOneDoubt(t *testing.T) {
	t.Parallel()
	d := newDecisions(map[string]string{doubtKey("tag", 1): string(DecisionBuyAgain)})
	for creates, want := range map[int]Decision{1: DecisionBuyAgain, 2: ""} {
		if got, _ := d.ofDoubt(intent.Intent{Tag: "tag", Creates: creates}); got != want {
			t.Errorf("after %d creations: %q", creates, got)
		}
	}
}
