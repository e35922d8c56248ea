package retry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
)

func TestClassOf(t *testing.T) {
	for _, test := range []struct {
		err  error
		want retry.Class
	}{
		{nil, 0},
		{errors.New("anything"), retry.Permanent},
		{io.EOF, retry.Permanent},
		{context.Canceled, retry.Ambiguous},
		{fmt.Errorf("call: %w", context.DeadlineExceeded), retry.Ambiguous},
		{&net.OpError{Op: "read", Err: io.EOF}, retry.Ambiguous},
		{io.ErrUnexpectedEOF, retry.Ambiguous},
		{fmt.Errorf("batch: %w", retry.Mark(io.EOF, retry.Blocked)), retry.Blocked},
		{retry.Mark(retry.Mark(io.EOF, retry.Ambiguous), retry.Permanent), retry.Permanent},
	} {
		if got := retry.ClassOf(test.err); got != test.want {
			t.Errorf("ClassOf(%v) = %s, want %s", test.err, got, test.want)
		}
	}
}

func TestMarkKeepsWhatTheServerSaid(t *testing.T) {
	busy := &retry.Error{Class: retry.Retryable, Status: 429, RetryAfter: time.Minute}
	err := retry.Mark(fmt.Errorf("submit: %w", busy), retry.Ambiguous)
	if retry.After(err) != time.Minute || !errors.Is(err, busy) {
		t.Errorf("%v lost the Retry-After or its cause", err)
	}
	longer := &retry.Error{Class: retry.Retryable, RetryAfter: time.Hour, Err: err}
	shorter := &retry.Error{Class: retry.Retryable, RetryAfter: time.Second, Err: err}
	if retry.After(longer) != time.Hour || retry.After(shorter) != time.Minute {
		t.Errorf("After = %s and %s, want the longest wait of all", retry.After(longer), retry.After(shorter))
	}
	if retry.Mark(nil, retry.Permanent) != nil {
		t.Error("Mark(nil) is an error")
	}
}

func TestErrorTellsAll(t *testing.T) {
	for want, err := range map[string]*retry.Error{
		"HTTP 429 slow: wait: EOF (retryable after 1s)": {
			Class: retry.Retryable, Status: 429, Code: "slow", Message: "wait", RetryAfter: time.Second, Err: io.EOF,
		},
		"HTTP 502: Bad Gateway (ambiguous)": {Class: retry.Ambiguous, Status: 502, Message: "Bad Gateway"},
		"batch_expired (retryable)":         {Class: retry.Retryable, Code: "batch_expired"},
		"EOF (permanent)":                   {Class: retry.Permanent, Err: io.EOF},
		"(blocked)":                         {Class: retry.Blocked},
	} {
		if got := err.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestClassSurvivesJSON(t *testing.T) {
	for class := range retry.Ambiguous + 1 {
		text, err := json.Marshal(class)
		if err != nil {
			t.Fatal(err)
		}
		var got retry.Class
		if err := json.Unmarshal(text, &got); err != nil || got != class {
			t.Errorf("%s came back as %s, %v", text, got, err)
		}
	}
	if err := new(retry.Class).UnmarshalText([]byte("odd")); err == nil {
		t.Error("an unknown name is a class")
	}
}

// Another call ends the context of this one.
func TestTheClassOfACauseIsNotThatOfTheCall(t *testing.T) {
	cause := fmt.Errorf("another call: %w", retry.Mark(errors.New("key revoked"), retry.Blocked))
	ctx, cancel := context.WithCancelCause(t.Context())
	own := &retry.Error{Class: retry.Permanent, Status: 400}
	passed := fmt.Errorf("call: %w", cause)
	if got := retry.ClassIn(ctx, passed); got != retry.Blocked {
		t.Errorf("before the end: %s", got)
	}
	cancel(cause)
	for _, tc := range []struct {
		err  error
		want retry.Class
	}{
		{nil, 0},
		{passed, retry.Ambiguous},
		{own, retry.Permanent},
		{fmt.Errorf("call: %w; ended by %w", own, cause), retry.Permanent},
		{retry.Transport(retry.EffectCreate, false, passed), retry.Retryable},
		{context.Canceled, retry.Ambiguous},
		{errors.New("plain"), retry.Permanent},
	} {
		if got := retry.ClassIn(ctx, tc.err); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.err, got, tc.want)
		}
	}
}

func TestDoTakesNoClassOfACause(t *testing.T) {
	cause := &retry.Error{Class: retry.Blocked, Status: 401}
	busy := retry.Mark(errors.New("busy"), retry.Retryable)
	for name, tc := range map[string]struct {
		before bool // the end of the context comes before the call
		err    func(context.Context) error
		want   retry.Class
	}{
		"not started":         {true, func(context.Context) error { return nil }, retry.Retryable},
		"while it waits":      {false, func(context.Context) error { return busy }, retry.Retryable},
		"passed on by the op": {false, context.Cause, retry.Ambiguous},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		if tc.before {
			cancel(cause)
		}
		err := retry.Policy{Delay: time.Hour, MaxDelay: time.Hour}.Do(ctx, func(ctx context.Context) error {
			cancel(cause)
			return tc.err(ctx)
		})
		if retry.ClassOf(err) != tc.want || !errors.Is(err, cause) {
			t.Errorf("%s: %v is %s, want %s", name, err, retry.ClassOf(err), tc.want)
		}
	}
}

// A row is not dead because a call about another one was Permanent.
func TestDoBatchTakesNoClassOfACause(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := retry.Mark(errors.New("another call"), retry.Permanent)
	left, err := retry.DoBatch(ctx, retry.Policy{}, retry.Rows([]string{"a"}),
		func(ctx context.Context, _ []retry.Row[string]) ([]error, error) {
			cancel(cause)
			return nil, context.Cause(ctx)
		}, func(retry.Row[string]) error {
			t.Error("it is dead")
			return nil
		})
	if len(left) != 1 || retry.ClassOf(err) != retry.Ambiguous {
		t.Errorf("left %v, %v", left, err)
	}
}
