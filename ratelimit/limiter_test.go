package ratelimit_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/ratelimit"
)

var request = ratelimit.Cost{Requests: 1}

func TestTryTakeIsAllOrNothing(t *testing.T) {
	l := newLimiter(t, ratelimit.Config{Requests: 600, InputTokens: 6000})
	now := time.Now()
	if _, ok := l.TryTake(now, ratelimit.Cost{Requests: 1, InputTokens: 100}); !ok {
		t.Fatal("refused a cost within the burst of 10 requests and 100 tokens")
	}
	wait, ok := l.TryTake(now, ratelimit.Cost{Requests: 9, InputTokens: 1})
	if ok || wait <= 0 {
		t.Fatalf("TryTake = %s, %v; want a wait for the empty bucket of tokens", wait, ok)
	}
	if _, ok := l.TryTake(now, ratelimit.Cost{Requests: 9}); !ok {
		t.Error("the refused call took requests")
	}
	if _, ok := l.TryTake(now.Add(wait), ratelimit.Cost{InputTokens: 1}); !ok {
		t.Error("refused after the wait that it asked for")
	}
}

func TestBurstAndRefillOfAnyWindowStayWithinTheLimit(t *testing.T) {
	for _, limit := range []int{1, 7, 60, 600, 50_000} {
		l := newLimiter(t, ratelimit.Per(limit, time.Minute))
		start := time.Unix(0, 0)
		passed := 0
		for now := start; now.Sub(start) < time.Minute; {
			wait, ok := l.TryTake(now, request)
			if ok {
				passed++
			}
			now = now.Add(wait)
		}
		if passed > limit || passed < limit*97/100 {
			t.Errorf("limit %d: %d passed in the first minute, want at most the limit and 97 %% of it", limit, passed)
		}
	}
}

func TestDearCallPassesAndLeavesADebt(t *testing.T) {
	l := newLimiter(t, ratelimit.Config{InputTokens: 60_000})
	now := time.Now()
	if _, ok := l.TryTake(now, ratelimit.Cost{InputTokens: 20_000}); !ok {
		t.Fatal("a full bucket refused a cost above its burst")
	}
	small := ratelimit.Cost{InputTokens: 100}
	wait, ok := l.TryTake(now, small)
	if ok || wait < 19*time.Second || wait > 20*time.Second {
		t.Fatalf("next call waits %s, want the 19 to 20 s that the debt takes", wait)
	}
	l.Settle(ratelimit.Cost{InputTokens: 20_000}, ratelimit.Cost{InputTokens: 500})
	if wait, ok := l.TryTake(now, small); !ok {
		t.Errorf("still waits %s after the estimate was corrected", wait)
	}
}

func TestSlotsAreHeldUntilSettled(t *testing.T) {
	l := newLimiter(t, ratelimit.Config{Slots: 2})
	slot := ratelimit.Cost{Slots: 1}
	now := time.Now()
	l.TryTake(now, slot)
	l.TryTake(now, slot)
	if _, ok := l.TryTake(now.Add(time.Hour), slot); ok {
		t.Fatal("a third call got one of two slots")
	}
	l.Settle(slot, ratelimit.Cost{})
	if _, ok := l.TryTake(now, slot); !ok {
		t.Error("a settled slot is still taken")
	}
}

func TestPenaltyHoldsForAll(t *testing.T) {
	l := newLimiter(t, ratelimit.Per(600, time.Minute))
	now := time.Now()
	l.Penalize(now.Add(30 * time.Second))
	if wait, ok := l.TryTake(now, request); ok || wait != 30*time.Second {
		t.Errorf("TryTake = %s, %v during a penalty of 30s", wait, ok)
	}
	l.Penalize(now.Add(time.Second))
	if _, ok := l.TryTake(now.Add(2*time.Second), request); ok {
		t.Error("a shorter penalty ended the longer one")
	}
	if _, ok := l.TryTake(now.Add(30*time.Second), request); !ok {
		t.Error("refused after the penalty")
	}
}

func TestWrongConfigIsNamed(t *testing.T) {
	for field, c := range map[string]ratelimit.Config{
		"Requests":     {Requests: -1},
		"InputTokens":  {InputTokens: -1},
		"OutputTokens": {OutputTokens: -1},
		"Slots":        {Slots: -1},
		"Window":       {Window: -1},
		"Burst":        {Burst: time.Minute},
		"Timeout":      {Timeout: -1},
	} {
		if _, err := ratelimit.NewLimiter(c); err == nil || !strings.Contains(err.Error(), "Config."+field+" ") {
			t.Errorf("%s: error %v does not name it", field, err)
		}
	}
}

func TestUpdateKeepsWhatWasTaken(t *testing.T) {
	l := newLimiter(t, ratelimit.Config{Requests: 600, Slots: 1})
	now := time.Now()
	l.TryTake(now, ratelimit.Cost{Requests: 10, Slots: 1})
	if err := l.Update(ratelimit.Config{Requests: -1}); err == nil {
		t.Error("a wrong limit was accepted")
	}
	if err := l.Update(ratelimit.Config{Requests: 6000, InputTokens: 60_000, Slots: 2}); err != nil {
		t.Fatal(err)
	}
	if _, ok := l.TryTake(now, request); ok {
		t.Error("the requests taken were forgotten")
	}
	if _, ok := l.TryTake(now, ratelimit.Cost{InputTokens: 1000, Slots: 1}); !ok {
		t.Error("no burst of a limit that is new, or no second slot")
	}
	if _, ok := l.TryTake(now, ratelimit.Cost{Slots: 1}); ok {
		t.Error("the slot taken was forgotten")
	}
}

func TestTryTakeAllocatesNothing(t *testing.T) {
	l := newLimiter(t, ratelimit.Config{Requests: 600, InputTokens: 600_000, OutputTokens: 60_000, Slots: 8})
	cost := ratelimit.Cost{Requests: 1, InputTokens: 800, OutputTokens: 80, Slots: 1}
	now := time.Now()
	if n := testing.AllocsPerRun(1000, func() {
		now = now.Add(50 * time.Millisecond)
		if _, ok := l.TryTake(now, cost); ok {
			l.Settle(cost, ratelimit.Cost{Requests: 1})
		}
	}); n != 0 {
		t.Errorf("%v allocations per TryTake, want 0", n)
	}
}

func TestStagePacesWhatFlowsThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out := make(chan []int), make(chan []int)
		done := make(chan error, 1)
		go func() { done <- ratelimit.New[int](ratelimit.Per(60, time.Minute)).Run(t.Context(), in, out) }()
		go func() {
			in <- []int{1, 2, 3}
			close(in)
		}()
		start := time.Now()
		var got []int
		for len(got) < 3 {
			values := <-out
			if len(values) != 1 {
				t.Errorf("%v passed together at one a second", values)
			}
			got = append(got, values...)
		}
		if took := time.Since(start).Round(100 * time.Millisecond); took != 2*time.Second {
			t.Errorf("three values at 60 a minute took %s, want 2s", took)
		}
		if err := <-done; err != nil {
			t.Errorf("Run = %v at the end of its input", err)
		}
	})
}
