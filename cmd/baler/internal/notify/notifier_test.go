package notify

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/flow/durable"
)

// A slow target holds up neither the run nor another target, and the end waits
// for it only so long.
func TestASlowTargetHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, got := time.Now(), 0
		slow := &Target{"slow", func(ctx context.Context, _ Message) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		fast := &Target{"fast", func(context.Context, Message) error {
			got++
			return nil
		}}
		var warnings []string
		ctx, interrupt := context.WithCancelCause(t.Context())
		n := Start(ctx, []*Target{slow, fast}, func(text string) { warnings = append(warnings, text) })
		interrupt(errors.New("interrupted"))
		n.Progress(durable.Progress{})
		for range maxWaiting + 5 {
			n.Observe(route("", durable.RouteFailing))
			synctest.Wait()
		}
		if time.Since(began) != 0 || got != maxWaiting+5 {
			t.Errorf("after %s, the fast target has %d", time.Since(began), got)
		}
		n.Close()
		if took := time.Since(began); took != lastWait {
			t.Errorf("the end took %s", took)
		}
		if len(warnings) != maxWaiting+2 || !strings.Contains(warnings[0], "slow is too slow: 4 messages") || !strings.Contains(warnings[1], `slow did not get the message "failing" of the run "daily"`) {
			t.Errorf("%d: %q", len(warnings), warnings[:2])
		}
	})
}
