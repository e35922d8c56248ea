package retry_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/retry"
)

var (
	errBad   = retry.Mark(errors.New("bad row"), retry.Permanent)
	errQuota = retry.Mark(errors.New("no money"), retry.Blocked)
	small    = retry.Scope{Provider: "openai", Model: "small"}
	large    = retry.Scope{Provider: "openai", Model: "large"}
)

// diary notes what a guard says.
type diary struct{ told, paused []string }

func newGuard(t *testing.T, c retry.GuardConfig) (*retry.Guard, *diary) {
	t.Helper()
	d := new(diary)
	c.OnNotify = func(a retry.Alert) { d.told = append(d.told, a.Scope.String()) }
	c.OnPause = func(a retry.Alert) { d.paused = append(d.paused, a.Scope.String()) }
	g, err := retry.NewGuard(c)
	if err != nil {
		t.Fatal(err)
	}
	return g, d
}

func record(g *retry.Guard, s retry.Scope, n int, err error) {
	for range n {
		g.Record(s, err)
	}
}

func TestGuardTellsOnceAboveTheLowerRate(t *testing.T) {
	g, d := newGuard(t, retry.GuardConfig{})
	record(g, small, 80, nil)
	record(g, small, 20, errBad)
	if len(d.told) != 0 {
		t.Fatalf("told of %v at exactly 20 %%", d.told)
	}
	record(g, small, 5, errBad)
	if diff := cmp.Diff([]string{"openai/small", "openai", "run"}, d.told); diff != "" {
		t.Errorf("told -want +got:\n%s", diff)
	}
	record(g, small, 40, nil)
	record(g, small, 20, errBad)
	if len(d.told) != 6 || len(d.paused) != 0 {
		t.Errorf("told %v, paused %v; want each told again after the rate had been lower", d.told, d.paused)
	}
}

func TestGuardPausesOnlyTheScopeThatFails(t *testing.T) {
	g, d := newGuard(t, retry.GuardConfig{})
	record(g, large, 100, nil)
	record(g, small, 30, errBad)
	if diff := cmp.Diff([]string{"openai/small"}, d.paused); diff != "" {
		t.Fatalf("paused -want +got:\n%s", diff)
	}
	if alert, ok := g.Paused(small); !ok || alert.Rate() != 1 || alert.Total != 20 {
		t.Errorf("Paused = %v, %v; want 20 of 20", alert, ok)
	}
	if _, ok := g.Paused(large); ok {
		t.Error("the healthy model is paused as well")
	}
	record(g, large, 100, errBad)
	if _, ok := g.Paused(retry.Scope{Provider: "gemini"}); !ok {
		t.Error("the run goes on although it fails as a whole")
	}
}

func TestGuardNeedsEnoughOutcomes(t *testing.T) {
	g, d := newGuard(t, retry.GuardConfig{MinCount: 10})
	record(g, small, 9, errBad)
	if len(d.paused) != 0 {
		t.Errorf("paused %v after 9 of at least 10 outcomes", d.paused)
	}
	record(g, small, 1, errBad)
	if len(d.paused) != 3 {
		t.Errorf("paused %v, want the model, the provider and the run", d.paused)
	}
}

func TestGuardCountsEachOutcomeOnce(t *testing.T) {
	for _, scope := range []retry.Scope{{Provider: "openai"}, {Model: "small"}, {}} {
		g, d := newGuard(t, retry.GuardConfig{MinCount: 10})
		record(g, scope, 9, errBad)
		if len(d.paused) != 0 {
			t.Errorf("paused %v after 9 of at least 10 outcomes of %+v", d.paused, scope)
		}
	}
}

// In a batch, which rows come first says nothing.
func TestGuardJudgesABatchAsAWhole(t *testing.T) {
	g, d := newGuard(t, retry.GuardConfig{})
	g.RecordMany(small, 85, 15, errBad)
	g.RecordMany(small, 0, 0, nil)
	if len(d.told) != 0 {
		t.Errorf("told of %v at 15 %%", d.told)
	}
	g.RecordMany(small, 0, 86, errBad)
	if _, paused := g.Paused(small); !paused || len(d.told) != 0 {
		t.Errorf("told of %v, paused: %v; want a pause at once", d.told, d.paused)
	}
	if a, _ := g.Paused(small); a.Failed != 101 || a.Total != 186 {
		t.Errorf("%s", a)
	}
}

func TestGuardForgetsWhatIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, d := newGuard(t, retry.GuardConfig{})
		record(g, small, 19, errBad)
		time.Sleep(11 * time.Minute)
		record(g, small, 19, errBad)
		if len(d.paused) != 0 {
			t.Errorf("paused %v on outcomes of two windows", d.paused)
		}
		time.Sleep(5 * time.Minute)
		record(g, small, 1, errBad)
		if len(d.paused) != 3 {
			t.Errorf("paused %v, want all after 20 failures in 5 minutes", d.paused)
		}
	})
}

func TestGuardForgetsFailuresAndKeepsLaterSuccesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, d := newGuard(t, retry.GuardConfig{})
		record(g, small, 19, errBad)
		time.Sleep(6 * time.Minute)
		record(g, small, 60, nil)
		time.Sleep(5 * time.Minute)
		record(g, small, 1, errBad)
		if len(d.told) != 0 {
			t.Errorf("told of %v at 1 failure in 61, the others being 11 minutes old", d.told)
		}
		record(g, small, 20, errBad)
		if len(d.told) != 3 {
			t.Errorf("told of %v at 21 failures in 81", d.told)
		}
	})
}

func TestGuardPausesABlockedProviderAtOnce(t *testing.T) {
	g, d := newGuard(t, retry.GuardConfig{})
	g.Record(small, errQuota)
	if diff := cmp.Diff([]string{"openai"}, d.paused); diff != "" {
		t.Errorf("paused -want +got:\n%s", diff)
	}
	if _, ok := g.Paused(large); !ok {
		t.Error("another model of the account goes on")
	}
}

func TestGuardDoesNotCountCancels(t *testing.T) {
	g, d := newGuard(t, retry.GuardConfig{})
	record(g, small, 100, context.Canceled)
	if len(d.told)+len(d.paused) != 0 {
		t.Errorf("a cancelled run looks broken: %+v", d)
	}
}

func TestGuardHoldsWorkUntilResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, d := newGuard(t, retry.GuardConfig{})
		g.Record(small, errQuota)
		passed := make(chan error, 1)
		go func() { passed <- g.Wait(t.Context(), large) }()
		synctest.Wait()
		g.Resume(small)
		synctest.Wait()
		select {
		case err := <-passed:
			t.Fatalf("resuming the model let its provider go on: %v", err)
		default:
		}
		g.Resume(retry.Scope{})
		if err := <-passed; err != nil {
			t.Errorf("Wait = %v after Resume", err)
		}
		record(g, small, 19, errBad)
		if len(d.paused) != 1 {
			t.Errorf("paused %v again on outcomes before the Resume", d.paused)
		}
	})
}

func TestGuardWaitEndsWithItsContext(t *testing.T) {
	g, _ := newGuard(t, retry.GuardConfig{})
	g.Record(small, errQuota)
	shutdown := errors.New("shutdown")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(shutdown)
	if err := g.Wait(ctx, small); !errors.Is(err, shutdown) || !errors.Is(err, errQuota) {
		t.Errorf("Wait = %v, want the cause and the reason of the pause", err)
	}
}

func TestGuardHookMayResume(t *testing.T) {
	var g *retry.Guard
	g, err := retry.NewGuard(retry.GuardConfig{OnPause: func(a retry.Alert) { g.Resume(a.Scope) }})
	if err != nil {
		t.Fatal(err)
	}
	record(g, small, 100, errBad)
	if alert, ok := g.Paused(small); ok {
		t.Errorf("still paused: %s", alert)
	}
}

func TestGuardConfigNamesTheWrongField(t *testing.T) {
	for field, c := range map[string]retry.GuardConfig{
		"Window":      {Window: -1},
		"MinCount":    {MinCount: -1},
		"NotifyAbove": {NotifyAbove: 1.5},
		"PauseAbove":  {PauseAbove: 0.1, NotifyAbove: 0.2},
	} {
		if _, err := retry.NewGuard(c); err == nil || !strings.Contains(err.Error(), "GuardConfig."+field+" ") {
			t.Errorf("%s: error %v does not name it", field, err)
		}
	}
}
