package retry_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/retry"
)

func TestZeroGuardWorksWithTheDefaults(t *testing.T) {
	t.Parallel()
	var g retry.Guard
	if _, ok := g.Paused(small); ok {
		t.Error("a zero Guard is paused")
	}
	record(&g, small, 19, errBad)
	if alert, ok := g.Paused(small); ok {
		t.Errorf("paused before the default MinCount: %s", alert)
	}
	g.Record(small, errBad)
	if alert, ok := g.Paused(small); !ok || alert.Total != 20 {
		t.Errorf("Paused = %s, %t; want 20 of 20", alert, ok)
	}
	g.Resume(retry.Scope{})
	if err := g.Wait(t.Context(), small); err != nil {
		t.Errorf("Wait after Resume: %v", err)
	}
}

func TestZeroGuardCanBeResumedFirst(t *testing.T) {
	t.Parallel()
	var g retry.Guard
	g.Resume(small)
}

func TestZeroBreakerWorksWithTheDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := patient{Breaker: new(retry.Breaker)}
		err := p.do(t.Context(), 6, errBusy)
		if !errors.Is(err, retry.ErrOpen) || p.calls != 5 || retry.After(err) < 59*time.Second {
			t.Errorf("%v after %d calls; want the defaults, 5 and a minute", err, p.calls)
		}
	})
}

func TestZeroDeadLettersNameTheirConstructors(t *testing.T) {
	t.Parallel()
	var d retry.DeadLetters[int]
	err := d.Write(retry.Row[int]{Item: 1, Err: errBad})
	if err == nil || !strings.Contains(err.Error(), "NewDeadLetters or OpenDeadLetters") {
		t.Errorf("Write: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// A rate that is given moves the default of the other out of its way.
func TestGuardRatesHaveDefaultsOfTheirOwn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]retry.GuardConfig{
		"a low pause":           {PauseAbove: 0.1, MinCount: 1},
		"a high notification":   {NotifyAbove: 0.6, MinCount: 1},
		"no notification, ever": {NotifyAbove: 1, MinCount: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, err := retry.NewGuard(c)
			if err != nil {
				t.Fatal(err)
			}
			g.Record(small, errBad)
			if _, paused := g.Paused(small); paused != (c.NotifyAbove < 1) {
				t.Errorf("paused: %t", paused)
			}
		})
	}
}

func TestALongDelayIsNotCutByTheDefaultOfMaxDelay(t *testing.T) {
	t.Parallel()
	var longest time.Duration
	for range 200 {
		delay, _ := retry.Policy{Delay: time.Hour}.Next(1, errBusy)
		longest = max(longest, delay)
	}
	if longest <= retry.DefaultMaxDelay || longest > time.Hour {
		t.Errorf("the longest of 200 delays of up to an hour is %s", longest)
	}
}

// No lock is held while Notify runs: it may use the policy again.
func TestNotifyMayUseThePolicy(t *testing.T) {
	t.Parallel()
	again := 0
	p := retry.Policy{MaxAttempts: 2, Delay: 1}
	inner := p
	p.Notify = func(int, error, time.Duration) {
		_ = inner.Do(t.Context(), func(context.Context) error { again++; return nil })
	}
	if err := p.Do(t.Context(), func(context.Context) error { return errBusy }); !errors.Is(err, errBusy) || again != 1 {
		t.Errorf("%v, used again %d times", err, again)
	}
}
