package call_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/flow/call"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
)

var (
	errBusy    = retry.Mark(errors.New("busy"), retry.Retryable)
	errWrong   = errors.New("wrong") // without a class, so Permanent
	errUnclear = retry.Mark(errors.New("the reply was lost"), retry.Ambiguous)
	errUnpaid  = retry.Mark(errors.New("unpaid"), retry.Blocked)
	errStop    = errors.New("stop")
)

func newCaller(t *testing.T, c call.Config) *call.Caller {
	t.Helper()
	caller, err := call.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

// server returns errs one after the other, and then nil.
type server struct {
	mu    sync.Mutex
	errs  []error
	calls int
}

func (s *server) call(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls++; s.calls > len(s.errs) {
		return nil
	}
	return s.errs[s.calls-1]
}

func times(n int, err error) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

func TestWhatIsRetriedFollowsFromTheClass(t *testing.T) {
	for name, test := range map[string]struct {
		config call.Config
		errs   []error
		calls  int
		fails  error
	}{
		"once":                  {calls: 1},
		"busy":                  {errs: times(3, errBusy), calls: 4},
		"busy for too long":     {errs: times(9, errBusy), calls: 4, fails: errBusy},
		"wrong":                 {errs: []error{errBusy, errWrong}, calls: 2, fails: errWrong},
		"unpaid":                {errs: []error{errUnpaid}, calls: 1, fails: errUnpaid},
		"unclear":               {errs: []error{errUnclear}, calls: 1, fails: errUnclear},
		"unclear but harmless":  {config: call.Config{Repeat: true}, errs: []error{errUnclear}, calls: 2},
		"only twice":            {config: call.Config{Retry: retry.Policy{MaxAttempts: 2}}, errs: times(2, errBusy), calls: 2, fails: errBusy},
		"with classes of a job": {config: call.Config{Retry: retry.Policy{Classify: func(error) retry.Class { return retry.Retryable }}}, errs: []error{errWrong}, calls: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{errs: test.errs}
				c := newCaller(t, test.config)
				start := time.Now()
				err := c.Do(t.Context(), s.call)
				if !errors.Is(err, test.fails) || s.calls != test.calls {
					t.Errorf("%d calls, %v", s.calls, err)
				}
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("it took %s, which is no delay for a live call", took)
				}
				if got := c.Stats(); got.Made != int64(test.calls) || got.Succeeded+got.Failed != 1 || (got.Failed == 1) != (test.fails != nil) {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

func TestAnAttemptHasItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, repeat := range []bool{false, true} {
			c := newCaller(t, call.Config{Repeat: repeat})
			calls := 0
			got, err := call.Value(t.Context(), c, func(ctx context.Context) (string, error) {
				if calls++; calls == 1 {
					<-ctx.Done()
					return "", context.Cause(ctx)
				}
				return "late", nil
			})
			timeout, ok := errors.AsType[*ratelimit.TimeoutError](err)
			if repeat && (got != "late" || err != nil) || !repeat && (!ok || timeout.After != call.DefaultTimeout) {
				t.Errorf("repeat %v: %q, %v", repeat, got, err)
			}
		}
	})
}

// A call that waits for its next attempt takes no slot.
func TestCallsAreBoundedAndDelaysAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t, call.Config{Rate: ratelimit.Config{Slots: 2}, Retry: retry.Policy{Delay: time.Hour, MaxAttempts: 2}, Breaker: retry.BreakerConfig{Failures: 100}})
		var mu sync.Mutex
		active, most := 0, 0
		var wg sync.WaitGroup
		start := time.Now()
		for i := range 10 {
			wg.Go(func() {
				tries := 0
				err := c.Do(t.Context(), func(context.Context) error {
					mu.Lock()
					active++
					most = max(most, active)
					mu.Unlock()
					time.Sleep(time.Second)
					mu.Lock()
					active--
					mu.Unlock()
					if tries++; i < 5 && tries == 1 {
						return &retry.Error{Class: retry.Retryable, RetryAfter: time.Hour}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(time.Minute)
		if got := c.Stats(); got.Succeeded != 5 || got.Waiting != 0 {
			t.Errorf("after a minute: %+v", got)
		}
		wg.Wait()
		if most != 2 || time.Since(start) > 3*time.Hour {
			t.Errorf("%d calls at a time, in %s", most, time.Since(start))
		}
	})
}

func TestCallsWaitForAServerThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{errs: times(7, errBusy)}
		c := newCaller(t, call.Config{Retry: retry.Policy{MaxAttempts: 6}})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := c.Do(t.Context(), s.call); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := c.Stats(); got.Made != 10 || got.Succeeded != 3 || got.Down || got.Waiting != 0 {
			t.Errorf("%+v", got)
		}
	})
}

// Callers in a hurry do not make a server count as down, and a server that lets
// attempts run out of their time does.
func TestOnlyTheTimeOfAnAttemptCountsAgainstTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t, call.Config{FailFast: true})
		hang := func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), call.DefaultTimeout/10)
			_ = c.Do(ctx, hang)
			cancel()
		}
		if got := c.Stats(); got.Made != 20 || got.Down {
			t.Errorf("after deadlines of callers: %+v", got)
		}
		for range 20 {
			_ = c.Do(t.Context(), hang)
		}
		if got := c.Stats(); got.Made != 25 || !got.Down {
			t.Errorf("after timeouts of attempts: %+v", got)
		}
	})
}

func TestFailFastDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{errs: times(100, errBusy)}
		c := newCaller(t, call.Config{Name: "mail", FailFast: true, Breaker: retry.BreakerConfig{Failures: 3}})
		_ = c.Do(t.Context(), s.call)
		start := time.Now()
		err := c.Do(t.Context(), s.call)
		if !errors.Is(err, retry.ErrOpen) || !strings.Contains(err.Error(), "mail") || retry.After(err) == 0 || time.Since(start) != 0 {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		if got := c.Stats(); got.Made != 3 || !got.Down {
			t.Errorf("%+v", got)
		}
	})
}

func TestARejectedCallSlowsTheOthersDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t, call.Config{Retry: retry.Policy{MaxAttempts: 1}})
		_ = c.Do(t.Context(), func(context.Context) error {
			return &retry.Error{Class: retry.Retryable, Status: 429, RetryAfter: 20 * time.Second}
		})
		start := time.Now()
		if err := c.Do(t.Context(), (&server{}).call); err != nil || time.Since(start) < 20*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestACallEndsWithItsContext(t *testing.T) {
	down := func(t *testing.T) *call.Caller {
		t.Helper()
		c := newCaller(t, call.Config{Breaker: retry.BreakerConfig{Failures: 1, Cooldown: time.Hour}, Retry: retry.Policy{MaxAttempts: 1}})
		_ = c.Do(t.Context(), (&server{errs: []error{errBusy}}).call)
		return c
	}
	for name, caller := range map[string]func(*testing.T) *call.Caller{
		"limits": func(t *testing.T) *call.Caller {
			t.Helper()
			c := newCaller(t, call.Config{})
			c.Limiter().Penalize(time.Now().Add(time.Hour))
			return c
		},
		"down": down,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := caller(t)
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errStop)
				defer cancel()
				s := &server{}
				err := c.Do(ctx, s.call)
				if !errors.Is(err, errStop) || retry.ClassOf(err) != retry.Retryable || s.calls != 0 {
					t.Errorf("%v, after %d calls", err, s.calls)
				}
			})
		})
	}
}

func TestACallCountsWhatItHasUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t, call.Config{Rate: ratelimit.Config{InputTokens: 6000}})
		start := time.Now()
		for range 10 {
			err := c.DoCost(t.Context(), ratelimit.Cost{InputTokens: 100, Slots: 1}, func(context.Context) (ratelimit.Cost, error) {
				return ratelimit.Cost{InputTokens: 1}, nil
			})
			if err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("ten calls of a token took %s", took)
		}
	})
}

func TestNewCallerNamesTheWrongField(t *testing.T) {
	t.Parallel()
	for says, c := range map[string]call.Config{
		"Config.Slots":           {Rate: ratelimit.Config{Slots: -1}},
		"Config.Timeout":         {Rate: ratelimit.Config{Timeout: -1}},
		"BreakerConfig.Failures": {Breaker: retry.BreakerConfig{Failures: -1}},
		"Policy.Delay":           {Retry: retry.Policy{Delay: -1}},
	} {
		if _, err := call.New(c); err == nil || !strings.HasPrefix(err.Error(), "call: ") || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not name %s", err, says)
		}
	}
	var zero call.Caller
	if err := zero.Do(t.Context(), (&server{}).call); err == nil || !strings.Contains(err.Error(), "New") {
		t.Errorf("a zero Caller: %v", err)
	}
	if s := zero.Stats(); s != (call.Stats{}) {
		t.Errorf("a zero Caller has figures: %+v", s)
	}
}
