package retry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/balerhq/baler/retry"
)

func ExamplePolicy_Do() {
	p := retry.Policy{MaxAttempts: 5, Delay: time.Millisecond}
	calls := 0
	err := p.Do(context.Background(), func(context.Context) error {
		if calls++; calls < 3 {
			return retry.HTTP(retry.EffectIdempotent, 503, nil, nil)
		}
		return nil
	})
	fmt.Println(calls, err)
	// Output: 3 <nil>
}

func ExampleDoValue() {
	model, err := retry.DoValue(context.Background(), retry.Policy{}, func(context.Context) (string, error) {
		return "mini", nil
	})
	fmt.Println(model, err)
	// Output: mini <nil>
}

// A caller that keeps its work in a store does not sleep. It writes down the
// attempts and the time, and may be restarted in between.
func ExamplePolicy_Next() {
	busy := &retry.Error{Class: retry.Retryable, Status: 429, RetryAfter: time.Minute}
	wrong := &retry.Error{Class: retry.Permanent, Status: 400}
	fmt.Println(retry.Policy{}.Next(1, busy))
	fmt.Println(retry.Policy{}.Next(1, wrong))
	fmt.Println(retry.Policy{}.Next(4, busy))
	// Output:
	// 1m0s true
	// 0s false
	// 0s false
}

func ExampleHTTP() {
	body := []byte(`{"error":{"message":"Pay first.","code":"unpaid"}}`)
	err := retry.HTTP(retry.EffectCreate, 402, http.Header{"X-Request-Id": {"req_1"}}, body)
	fmt.Println(err)
	fmt.Println(retry.HTTP(retry.EffectIdempotent, 502, http.Header{"Retry-After": {"20"}}, nil))
	fmt.Println(retry.HTTP(retry.EffectCreate, 502, nil, nil))
	// Output:
	// HTTP 402 unpaid: Pay first. (blocked)
	// HTTP 502: Bad Gateway (retryable after 20s)
	// HTTP 502: Bad Gateway (ambiguous)
}

func ExampleClassOf() {
	err := fmt.Errorf("submit batch of 500: %w", retry.Mark(errors.New("key was revoked"), retry.Blocked))
	switch retry.ClassOf(err) {
	case retry.Retryable:
		fmt.Println("later")
	case retry.Permanent:
		fmt.Println("never")
	case retry.Blocked:
		fmt.Println("once somebody has acted")
	case retry.Ambiguous:
		fmt.Println("look first")
	}
	// Output: once somebody has acted
}

// The server takes the order and dies before it answers.
func ExampleTransport() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()

	ctx, sent := retry.Watch(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader("one batch"))
	if err != nil {
		fmt.Println(err)
		return
	}
	reply, err := server.Client().Do(request)
	if err != nil {
		err = retry.Transport(retry.EffectCreate, sent.Bool(), err)
		fmt.Println(retry.ClassOf(err))
		return
	}
	_ = reply.Body.Close()
	// Output: ambiguous
}

// Of three rows, one has to go again and one is given up.
func ExampleDoBatch() {
	send := func(_ context.Context, rows []retry.Row[string]) ([]error, error) {
		errs := make([]error, len(rows))
		for i, row := range rows {
			fmt.Println("send", row.Item)
			switch {
			case row.Item == "late" && row.Attempts == 0:
				errs[i] = retry.Mark(errors.New("expired"), retry.Retryable)
			case row.Item == "wrong":
				errs[i] = retry.Mark(errors.New("no such field"), retry.Permanent)
			}
		}
		return errs, nil
	}
	dead := func(row retry.Row[string]) error {
		fmt.Println("dead:", row.Item, "after", row.Attempts, "attempt,", row.Err)
		return nil
	}
	rows := retry.Rows([]string{"fine", "late", "wrong"})
	left, err := retry.DoBatch(context.Background(), retry.Policy{Delay: time.Millisecond}, rows, send, dead)
	fmt.Println(left, err)
	// Output:
	// send fine
	// send late
	// send wrong
	// dead: wrong after 1 attempt, no such field (permanent)
	// send late
	// [] <nil>
}

func ExampleDeadLetters() {
	var file bytes.Buffer
	letters := retry.NewDeadLetters[string](&file)
	row := retry.Row[string]{Item: "row-17", Attempts: 4, Err: retry.HTTP(retry.EffectIdempotent, 503, nil, nil)}
	if err := letters.Write(row); err != nil {
		fmt.Println(err)
	}
	_, line, _ := strings.Cut(file.String(), ",") // without the time
	fmt.Print(line)
	// Output: "attempts":4,"class":"retryable","status":503,"reason":"HTTP 503: Service Unavailable (retryable)","item":"row-17"}
}

func ExampleReadDeadLetters() {
	file := strings.NewReader(`{"time":"2026-11-21T10:00:00Z","attempts":4,"class":"retryable","status":503,"reason":"down","item":"row-17"}
`)
	for letter, err := range retry.ReadDeadLetters[string](file) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(letter.Item, "was tried", letter.Attempts, "times:", letter.Reason)
	}
	// Output: row-17 was tried 4 times: down
}

func ExampleGuard() {
	guard, err := retry.NewGuard(retry.GuardConfig{
		MinCount: 10,
		OnNotify: func(a retry.Alert) { fmt.Println("notify:", a) },
		OnPause:  func(a retry.Alert) { fmt.Println("pause: ", a) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mini := retry.Scope{Provider: "openai", Model: "mini"}
	broken := retry.Mark(errors.New("schema does not match"), retry.Permanent)
	for i := range 12 {
		var outcome error
		if i >= 9 {
			outcome = broken
		}
		guard.Record(mini, outcome)
	}
	guard.Record(retry.Scope{Provider: "gemini"}, retry.HTTP(retry.EffectCreate, 401, nil, nil))
	guard.Resume(retry.Scope{Provider: "gemini"}) // the key was replaced
	fmt.Println(guard.Wait(context.Background(), mini))
	// Output:
	// notify: openai/mini: 3 of 12 failed (25 %), last: schema does not match (permanent)
	// notify: openai: 3 of 12 failed (25 %), last: schema does not match (permanent)
	// notify: run: 3 of 12 failed (25 %), last: schema does not match (permanent)
	// pause:  gemini: 1 of 1 failed (100 %), last: HTTP 401: Unauthorized (blocked)
	// <nil>
}

func ExampleBreaker() {
	breaker, err := retry.NewBreaker("openai", retry.BreakerConfig{
		Failures: 2,
		OnChange: func(provider string, open bool) { fmt.Println(provider, "open:", open) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		err = breaker.Do(context.Background(), func(context.Context) error {
			return retry.HTTP(retry.EffectIdempotent, 503, nil, nil)
		})
	}
	fmt.Println(errors.Is(err, retry.ErrOpen), retry.ClassOf(err))
	// Output:
	// openai open: true
	// true retryable
}
