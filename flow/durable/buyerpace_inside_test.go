package durable

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/ratelimit"
)

// A run that ends at the moment at which a wait becomes a long one has ended:
// what it reports is not the wait.
func TestARunThatEndsWithALongWaitHasEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 200 {
			limiter, err := ratelimit.NewLimiter(ratelimit.Config{Requests: 1, Window: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			b := &buyer{notices: &notices{config: &config{callbacks: new(callbacks)}}, limiter: limiter}
			b.notices.add(Notice{Kind: NoticePaced})
			if err := limiter.Wait(t.Context(), ratelimit.Cost{Requests: 1}); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithTimeout(t.Context(), longWait)
			if err := b.awaitCreation(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
			stop()
		}
	})
}
