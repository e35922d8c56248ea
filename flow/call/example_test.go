package call_test

import (
	"context"
	"fmt"
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
