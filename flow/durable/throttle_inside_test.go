package durable

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
)

// Batches are sent by the provider's clock, of which this machine's may be days
// off: refusals in a row are counted all the same, and those of batches that
// were sent together once.
func TestRefusalsAreCountedWhateverTheClock(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]time.Duration{"right": 0, "ahead": -72 * time.Hour, "behind": 72 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				there := func() time.Time { return time.Now().Add(off) }
				throttles := newThrottles(there)
				refusal := errors.New("refused")
				for n := 1; n <= 5; n++ {
					sent := there()
					time.Sleep(time.Second)
					for _, tag := range []string{"A", "B"} {
						r := throttles.refuse(intent.Intent{Tag: tag, SentAt: sent}, refusal, time.Second)
						if r.refusals != n {
							t.Errorf("%s: refusal %d counts as %d", tag, n, r.refusals)
						}
						if wait := time.Until(r.until); wait <= 0 || wait > maxRefusalWait {
							t.Errorf("%s: the next try is in %s", tag, wait)
						}
					}
					time.Sleep(time.Minute)
				}
			})
		})
	}
}

// A full account is waited for until batches end, for long if none does. What
// else is refused meanwhile waits no longer than it has to.
func TestARefusalOfAnotherKindDoesNotWaitForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttles := newThrottles(time.Now)
		sent := time.Now()
		for _, tag := range []string{"running", "A", "B"} {
			throttles.enter(intent.Intent{Tag: tag, SentAt: sent}, "m")
		}
		throttles.accept(intent.Intent{Tag: "running", SentAt: sent})
		time.Sleep(time.Second)
		full := throttles.refuse(intent.Intent{Tag: "A", SentAt: sent}, sink.ErrFull, time.Second)
		if wait := time.Until(full.until); wait < time.Minute || full.room == 0 {
			t.Errorf("full: %s, room for %d", wait, full.room)
		}
		other := throttles.refuse(intent.Intent{Tag: "B", SentAt: sent}, sink.ErrNotYet, time.Second)
		if wait := time.Until(other.until); wait > 10*time.Second || other.room != 0 {
			t.Errorf("not yet: %s, room for %d", wait, other.room)
		}
	})
}

// What the provider said of its limit when it refused a batch does not hold for
// good: what ends well widens it, so that larger rows are tried again.
func TestSuccessWidensALimitThatWasSaid(t *testing.T) {
	t.Parallel()
	throttles := newThrottles(time.Now)
	in := intent.Intent{Tag: "A", Tokens: 1000, SentAt: time.Now()}
	throttles.widen(in)
	if tokens, _ := throttles.limit(in.Route); tokens != 0 {
		t.Errorf("a limit of %d that nobody said", tokens)
	}
	throttles.refuse(in, &sink.FullError{Tokens: 2000}, time.Second)
	for range 10 {
		throttles.widen(in)
	}
	if tokens, _ := throttles.limit(in.Route); tokens < 2500 || tokens > 2600 {
		t.Errorf("a limit of %d", tokens)
	}
}
