package queue_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/balerhq/baler/queue"
)

// served is how many rounds a low item waits behind critical ones that arrive
// once a second, as fast as they are served; -1 for more than a thousand.
func served(t *testing.T, p queue.Policy[ticket]) (rounds int) {
	t.Helper()
	rounds = -1
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(p, queue.Config{Aging: 10 * time.Second})
		push := func(v ticket) {
			if err := q.Push(t.Context(), v); err != nil {
				t.Fatal(err)
			}
		}
		push(ticket{pri: queue.PriorityLow})
		for i := range 1000 {
			push(ticket{pri: queue.PriorityCritical})
			v, err := q.Pop(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if v.pri == queue.PriorityLow {
				rounds = i
				return
			}
			time.Sleep(time.Second)
		}
	})
	return rounds
}

func TestAgedStarvesNobody(t *testing.T) {
	// Three levels of ten seconds each; at a tie the older goes first.
	if n := served(t, queue.Aged(ticket.Priority)); n != 30 {
		t.Errorf("the low item left after %d rounds", n)
	}
	if n := served(t, queue.Strict(ticket.Priority)); n != -1 {
		t.Errorf("under Strict the low item left after %d rounds", n)
	}
}

func TestDeadlineRisesAsTimePasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.By(ticket.Deadline, queue.Config{}).Index(ticket.ID)
		in := func(d time.Duration) time.Time { return time.Now().Add(d) }
		push := func(id string, due time.Time) {
			if err := q.Push(t.Context(), ticket{id: id, due: due}); err != nil {
				t.Fatal(err)
			}
		}
		push("never", time.Time{})
		push("week", in(7*24*time.Hour))
		push("day", in(24*time.Hour))
		time.Sleep(7*24*time.Hour - time.Minute)
		push("hour", in(time.Hour))
		for want, id := range []string{"day", "week", "hour", "never"} {
			if n, err := q.Position(id); n != want || err != nil {
				t.Errorf("%s is at %d, not %d: %v", id, n, want, err)
			}
		}
	})
}

func TestLevelRisesAsTimePasses(t *testing.T) {
	var cfg queue.Config
	now := time.Now()
	for left, want := range map[time.Duration]queue.Priority{
		-time.Hour:                 queue.PriorityCritical,
		24 * time.Hour:             queue.PriorityCritical,
		24*time.Hour + 1:           queue.PriorityHigh,
		72 * time.Hour:             queue.PriorityHigh,
		72*time.Hour + 1:           queue.PriorityNormal,
		math.MaxInt64 - time.Hour:  queue.PriorityNormal,
		math.MinInt64 + 24*365*100: queue.PriorityCritical,
	} {
		if got := cfg.Level(now.Add(left), now); got != want {
			t.Errorf("with %v left the level is %v, not %v", left, got, want)
		}
	}
	if got := cfg.Level(time.Time{}, now); got != queue.PriorityNormal {
		t.Errorf("without a deadline the level is %v", got)
	}
}

func TestExtremesKeepTheirOrder(t *testing.T) {
	far := func(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
	lists := map[string][]ticket{
		"priority": {{pri: math.MaxInt}, {pri: 3}, {pri: 2}, {pri: -1}, {pri: -2}, {pri: math.MinInt}},
		"deadline": {{due: far(2)}, {due: far(1700)}, {due: far(2000)}, {due: far(2200)}, {due: far(9999)}, {}},
	}
	policies := map[string][]queue.Policy[ticket]{
		"priority": {
			queue.Strict(ticket.Priority), queue.Strict(ticket.Number), queue.Aged(ticket.Priority),
			queue.Fair(ticket.Priority, ticket.Tenant, nil),
		},
		"deadline": {queue.Strict(ticket.Deadline)},
	}
	for by, list := range lists {
		for _, p := range policies[by] {
			q := queue.New(p, queue.Config{})
			for i := range list {
				if err := q.Push(t.Context(), list[len(list)-1-i]); err != nil {
					t.Fatal(err)
				}
			}
			got, err := q.PopMany(t.Context(), len(list))
			if err != nil {
				t.Fatal(err)
			}
			for i := range list {
				if got[i] != list[i] {
					t.Errorf("by %s: number %d is %+v", by, i, got[i])
				}
			}
		}
	}
}

// Start-time fair queueing keeps the normalised service of two tenants that
// both have work within the cost of one item each.
func TestFairSharesByWeight(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const most = 50
		weight := map[string]int{"a": rapid.IntRange(1, 8).Draw(rt, "a"), "b": rapid.IntRange(1, 8).Draw(rt, "b")}
		q := queue.New(queue.Fair(ticket.Priority, ticket.Tenant, ticket.Cost), queue.Config{Weights: weight})
		left := map[string]int{"a": rapid.IntRange(1, 200).Draw(rt, "items of a"), "b": rapid.IntRange(1, 200).Draw(rt, "items of b")}
		for tenant, n := range left {
			for range n {
				v := ticket{tenant: tenant, cost: rapid.Int64Range(1, most).Draw(rt, "cost")}
				if err := q.Push(t.Context(), v); err != nil {
					rt.Fatal(err)
				}
			}
		}
		share := map[string]float64{}
		for left["a"] > 0 && left["b"] > 0 {
			v, err := q.Pop(t.Context())
			if err != nil {
				rt.Fatal(err)
			}
			left[v.tenant]--
			share[v.tenant] += float64(v.cost) / float64(weight[v.tenant])
			bound := most/float64(weight["a"]) + most/float64(weight["b"]) + 0.1
			if d := math.Abs(share["a"] - share["b"]); d > bound {
				rt.Fatalf("shares %v differ by %v", share, d)
			}
		}
	})
}

// A tenant that queues one item at a time must not get ahead by it.
func TestFairChargesWhoComesBack(t *testing.T) {
	q := queue.New(queue.Fair(ticket.Priority, ticket.Tenant, nil), queue.Config{})
	push := func(tenant string) {
		if err := q.Push(t.Context(), ticket{tenant: tenant}); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		push("busy")
	}
	push("sly")
	count := map[string]int{}
	for range 100 {
		v, err := q.Pop(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		count[v.tenant]++
		if v.tenant == "sly" {
			push("sly")
		}
	}
	if count["sly"] > 51 {
		t.Errorf("served %v", count)
	}
}
