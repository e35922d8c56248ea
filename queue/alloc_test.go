package queue_test

import (
	"testing"
	"time"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/queue"
)

// The stages are flow's without importing it.
var (
	_ flow.Stage[ticket, ticket]                 = (*queue.Queue[ticket])(nil)
	_ flow.Stage[ticket, queue.Delivery[ticket]] = (*queue.Durable[ticket])(nil)
)

func TestSteadyQueueAllocatesNothing(t *testing.T) {
	for name, p := range map[string]queue.Policy[ticket]{
		"strict by priority": queue.Strict(ticket.Priority),
		"strict by deadline": queue.Strict(ticket.Deadline),
		"aged by priority":   queue.Aged(ticket.Priority),
		"fair by priority":   queue.Fair(ticket.Priority, ticket.Tenant, ticket.Cost),
	} {
		t.Run(name, func(t *testing.T) {
			q := queue.New(p, queue.Config{})
			due := time.Now()
			turn := func(n int) {
				for i := range n {
					v := ticket{pri: queue.Priority(i%6 - 2), due: due.Add(time.Duration(i*7919%n) * time.Second)}
					if err := q.Push(t.Context(), v); err != nil {
						t.Fatal(err)
					}
				}
				for range n {
					if _, err := q.Pop(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			turn(2000)
			turn(500)
			if n := testing.AllocsPerRun(20, func() { turn(500) }); n > 10 { // Fair begins a flow for each level that was empty
				t.Errorf("%v allocations for 500 items", n)
			}
		})
	}
}
