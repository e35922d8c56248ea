package state_test

import (
	"context"
	"fmt"
	"log"
	"slices"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/dedup"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/ratelimit"
)

// An item that was taken and not acknowledged is there again after a restart.
func ExampleNewQueue() {
	ctx := context.Background()
	store := state.NewMemory() // or state.Open, to survive the process
	open := func() *queue.Durable[string] {
		q, err := queue.Open(ctx, state.NewQueue(store), "tickets", inOrder, queue.Config{})
		if err != nil {
			log.Fatal(err)
		}
		return q
	}

	q := open()
	if _, err := q.PushMany(ctx, []string{"one", "two", "three"}); err != nil {
		log.Fatal(err)
	}
	taken, err := q.PopMany(ctx, 2)
	if err != nil {
		log.Fatal(err)
	}
	if err := q.Ack(ctx, taken[0]); err != nil {
		log.Fatal(err)
	}

	q = open() // the process was restarted
	again, err := q.PopMany(ctx, 3)
	for _, d := range again {
		fmt.Println(d.Item)
	}
	fmt.Println(err)
	// Output:
	// two
	// three
	// <nil>
}

// A batch that was enqueued before a restart still takes its room.
func ExampleNewCapacity() {
	ctx := context.Background()
	store := state.NewMemory() // or state.Open, to survive the process
	open := func() *ratelimit.Capacity {
		c, err := ratelimit.NewCapacity(ratelimit.CapacityConfig{
			Limits: map[string]ratelimit.Load{"gpt-5.4-mini": {Tokens: 2_000_000}},
			Store:  state.NewCapacity(store, "openai"),
		})
		if err != nil {
			log.Fatal(err)
		}
		return c
	}

	load := ratelimit.Load{Tokens: 1_500_000, Batches: 1}
	fmt.Println(open().TryReserve(ctx, "gpt-5.4-mini", "batch-1", load))

	c := open() // the process was restarted
	fmt.Println(c.TryReserve(ctx, "gpt-5.4-mini", "batch-2", load))
	fmt.Println(c.Release(ctx, "gpt-5.4-mini", "batch-1"))
	fmt.Println(c.TryReserve(ctx, "gpt-5.4-mini", "batch-2", load))
	// Output:
	// true <nil>
	// false <nil>
	// <nil>
	// true <nil>
}

// A second run works only on what the first has not done.
func ExampleNewDedup() {
	store := state.NewMemory() // or state.Open, to survive the process
	run := func(tickets ...string) error {
		keys := dedup.NewKeys(state.NewDedup(store, "tickets"))
		p := flow.New(context.Background())
		fresh := flow.Via(p, flow.From(p, slices.Values(tickets)), dedup.New(keys, word, nil))
		claimed := flow.Via(p, fresh, dedup.Claim(keys, word))
		worked := flow.Via(p, claimed, flow.Each(func(_ context.Context, ticket string) error {
			fmt.Println("work on", ticket)
			return nil
		}))
		flow.Discard(p, flow.Via(p, worked, dedup.Settle(keys, word)))
		return p.Wait()
	}

	fmt.Println(run("one", "two"))
	fmt.Println(run("one", "two", "three"))
	// Output:
	// work on one
	// work on two
	// <nil>
	// work on three
	// <nil>
}

// What was sent to a lane goes there again, although now another comes first.
func ExampleNewAssignments() {
	store := state.NewMemory() // or state.Open, to survive the process
	run := func(models ...string) error {
		var lanes []router.Route[string, string]
		for _, model := range models {
			lanes = append(lanes, router.Route[string, string]{Name: model, Build: func() flow.Stage[string, string] {
				return flow.Map(func(_ context.Context, ticket string) (string, error) { return ticket, nil })
			}})
		}
		routed, err := router.New(word, word, router.InOrder[string](), lanes,
			router.Config[string, string]{Assignments: state.NewAssignments(store, "tickets")})
		if err != nil {
			return err
		}
		p := flow.New(context.Background())
		flow.To(p, flow.Via(p, flow.From(p, slices.Values([]string{"one"})), routed),
			func(_ context.Context, r router.Routed[string]) error {
				fmt.Println(r.Result, "by", r.Route)
				return nil
			})
		return p.Wait()
	}

	fmt.Println(run("large", "small"))
	fmt.Println(run("small", "large"))
	// Output:
	// one by large
	// <nil>
	// one by large
	// <nil>
}
