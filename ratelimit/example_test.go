package ratelimit_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/sink/openai"
)

func ExampleLimiter_Do() {
	limiter, err := ratelimit.NewLimiter(ratelimit.Config{
		Requests:    600,     // a minute
		InputTokens: 600_000, // a minute
		Slots:       32,      // at the same time
		Timeout:     time.Minute,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	estimate := ratelimit.Cost{Requests: 1, InputTokens: 1200, Slots: 1}
	err = limiter.Do(context.Background(), estimate, func(context.Context) (ratelimit.Cost, error) {
		fmt.Println("the call is made")
		return ratelimit.Cost{Requests: 1, InputTokens: 845}, nil // what the reply says was used
	})
	fmt.Println(err)
	// Output:
	// the call is made
	// <nil>
}

func ExampleNew() {
	p := flow.New(context.Background())
	words := flow.From(p, slices.Values(strings.Fields("steady as she goes")))
	paced := flow.Via(p, words, ratelimit.New[string](ratelimit.Per(60_000, time.Minute)))
	flow.To(p, paced, func(_ context.Context, word string) error {
		fmt.Println(word)
		return nil
	})
	fmt.Println(p.Wait())
	// Output:
	// steady
	// as
	// she
	// goes
	// <nil>
}

func ExamplePace() {
	limiter, err := ratelimit.NewLimiter(ratelimit.Config{Requests: 6000, InputTokens: 600_000})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := flow.New(context.Background())
	prompts := flow.From(p, slices.Values([]string{"Sum it up.", "Translate it."}))
	paced := flow.Via(p, prompts, ratelimit.Pace(limiter, func(prompt string) ratelimit.Cost {
		return ratelimit.Cost{Requests: 1, InputTokens: len(prompt) / 4}
	}))
	flow.To(p, paced, func(_ context.Context, prompt string) error {
		fmt.Println(prompt)
		return nil
	})
	fmt.Println(p.Wait())
	// Output:
	// Sum it up.
	// Translate it.
	// <nil>
}

// TryTake is for a caller that does something else instead of waiting, such as
// asking another model.
func ExampleLimiter_TryTake() {
	limiter, err := ratelimit.NewLimiter(ratelimit.Per(61, time.Minute))
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Now()
	for range 2 {
		wait, ok := limiter.TryTake(now, ratelimit.Cost{Requests: 1})
		fmt.Println(ok, wait.Round(10*time.Millisecond))
	}
	// Output:
	// true 0s
	// false 980ms
}

// What the provider says goes back into the limiter.
func ExampleLimiter_Penalize() {
	limiter, err := ratelimit.NewLimiter(ratelimit.Config{Requests: 600, InputTokens: 600_000})
	if err != nil {
		fmt.Println(err)
		return
	}
	reply := &http.Response{
		StatusCode: http.StatusTooManyRequests,
		Header:     http.Header{"X-Ratelimit-Remaining-Tokens": {"0"}},
	}
	now := time.Now()
	limiter.Observe(openai.ReadRemaining(reply.Header))
	if reply.StatusCode == http.StatusTooManyRequests {
		limiter.Penalize(now.Add(20 * time.Second)) // its Retry-After
	}
	wait, ok := limiter.TryTake(now, ratelimit.Cost{Requests: 1})
	fmt.Println(ok, wait)
	// Output: false 20s
}

func ExampleByKey() {
	type task struct{ kind, text string }
	kinds, err := ratelimit.ByKey(func(t task) string { return t.kind }, map[string]ratelimit.Config{
		"translate": {Slots: 8, Timeout: time.Minute},
		"summarize": {Slots: 2, Timeout: 5 * time.Minute},
	}, ratelimit.Config{Slots: 4, Timeout: time.Minute})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = kinds.Do(context.Background(), task{"summarize", "a long story"}, func(ctx context.Context) error {
		deadline, _ := ctx.Deadline()
		fmt.Println(time.Until(deadline).Round(time.Minute))
		return nil
	})
	fmt.Println(err)
	// Output:
	// 5m0s
	// <nil>
}

func ExampleCapacity() {
	ctx := context.Background()
	capacity, err := ratelimit.NewCapacity(ratelimit.CapacityConfig{
		Limits: map[string]ratelimit.Load{"openai/mini": {Tokens: 2_000_000, Batches: 50}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// Before the batch is submitted, under the name that it is known by.
	err = capacity.Reserve(ctx, "openai/mini", "batch-1", ratelimit.Load{Tokens: 1_500_000, Rows: 900, Batches: 1})
	fmt.Println(err)
	ok, err := capacity.TryReserve(ctx, "openai/mini", "batch-2", ratelimit.Load{Tokens: 800_000, Rows: 400, Batches: 1})
	fmt.Println(ok, err)
	// Once it has ended.
	fmt.Println(capacity.Release(ctx, "openai/mini", "batch-1"))
	// Output:
	// <nil>
	// false <nil>
	// <nil>
}

func ExamplePaceBy() {
	type call struct{ tenant, text string }
	calls := []call{{"acme", "one"}, {"acme", "two"}, {"zeta", "three"}}
	paced := ratelimit.PaceBy(func(c call) string { return c.tenant }, ratelimit.PaceConfig[call]{
		Limits:    func(string) ratelimit.Config { return ratelimit.Per(50, time.Second) },
		MaxQueued: 100,
		Overflow:  func(c call, err error) { fmt.Println("refused:", c.text, err) },
	})
	p := flow.New(context.Background())
	flow.To(p, flow.Via(p, flow.From(p, slices.Values(calls)), paced), func(_ context.Context, c call) error {
		fmt.Println(c.tenant, c.text)
		return nil
	})
	fmt.Println(p.Wait())
	// Output:
	// acme one
	// zeta three
	// acme two
	// <nil>
}

// A tenant whose provider rejects its calls waits, and no other does.
func ExampleKeyStage_Penalize() {
	calls := []string{"acme", "acme", "zeta", "zeta"}
	paced := ratelimit.PaceBy(func(tenant string) string { return tenant }, ratelimit.PaceConfig[string]{
		Limits: func(string) ratelimit.Config { return ratelimit.Per(50, time.Second) },
	})
	rejected := false
	p := flow.New(context.Background())
	flow.To(p, flow.Via(p, flow.From(p, slices.Values(calls)), paced), func(_ context.Context, tenant string) error {
		if tenant == "acme" && !rejected {
			rejected = true
			paced.Penalize(tenant, time.Now().Add(time.Second/2)) // its Retry-After
		}
		fmt.Println(tenant)
		return nil
	})
	fmt.Println(p.Wait(), paced.Stats().Rejected)
	// Output:
	// acme
	// zeta
	// zeta
	// acme
	// <nil> 1
}
