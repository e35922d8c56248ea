package call_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/call"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
)

func ExampleCaller_Do() {
	server, err := call.New(call.Config{Name: "mail", Rate: ratelimit.Per(600, time.Minute), Repeat: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	calls := 0
	err = server.Do(context.Background(), func(context.Context) error {
		if calls++; calls == 1 {
			return retry.HTTP(retry.EffectIdempotent, 503, nil, nil)
		}
		return nil
	})
	fmt.Println(calls, err)
	// Output: 2 <nil>
}

// A call over HTTP that reads, so that it may be made again. Its errors have
// classes: Transport gives one to a broken connection, and HTTP to a reply.
func ExampleValue() {
	busy := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if busy {
			busy = false
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "sunny")
	}))
	defer server.Close()
	weather := func(ctx context.Context) (string, error) {
		ctx, sent := retry.Watch(ctx)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		if err != nil {
			return "", err
		}
		reply, err := server.Client().Do(request)
		if err != nil {
			return "", retry.Transport(retry.EffectIdempotent, sent.Bool(), err)
		}
		defer reply.Body.Close()
		body, err := io.ReadAll(reply.Body)
		if err != nil {
			return "", retry.Transport(retry.EffectIdempotent, true, err)
		}
		return string(body), retry.HTTP(retry.EffectIdempotent, reply.StatusCode, reply.Header, body)
	}

	caller, err := call.New(call.Config{Name: "weather", Retry: retry.Policy{Delay: time.Millisecond}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(call.Value(context.Background(), caller, weather))
	fmt.Println(caller.Stats().Made, "attempts")
	// Output:
	// sunny <nil>
	// 2 attempts
}

// A batch goes to a server that refuses one of its rows. The others have gone
// through.
func ExampleBatches() {
	server, err := call.New(call.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	send := func(_ context.Context, mails []string) ([]error, error) {
		errs := make([]error, len(mails))
		for i, to := range mails {
			if to == "nobody" {
				errs[i] = retry.Mark(fmt.Errorf("no such address"), retry.Permanent)
			}
		}
		return errs, nil
	}
	dead := func(r retry.Row[string]) error { // or retry.DeadLetters.Write
		fmt.Println("dead:", r.Item, r.Err)
		return nil
	}
	p := flow.New(context.Background())
	mails := flow.From(p, slices.Values([]string{"ann", "nobody", "bob"}))
	batches := flow.Via(p, mails, accumulator.New[string](accumulator.Config{MaxItems: 100, MaxWait: time.Second}))
	sent := flow.Via(p, batches, flow.Parallel(call.Batches(server, send, dead), flow.Concurrency{Workers: 4}))
	flow.To(p, sent, func(_ context.Context, r retry.Row[string]) error {
		fmt.Println(r.Item, r.Err == nil)
		return nil
	})
	fmt.Println(p.Wait())
	// Output:
	// dead: nobody no such address (permanent)
	// ann true
	// bob true
	// nobody false
	// <nil>
}
