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
