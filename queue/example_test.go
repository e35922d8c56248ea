package queue_test

import (
	"context"
	"fmt"
	"time"

	"github.com/balerhq/baler/queue"
)

type Ticket struct {
	Name     string
	Level    queue.Priority
	Due      time.Time
	Customer string
	Size     int64
}

func (t Ticket) ID() string               { return t.Name }
func (t Ticket) Priority() queue.Priority { return t.Level }
func (t Ticket) Deadline() time.Time      { return t.Due }
func (t Ticket) Tenant() string           { return t.Customer }
func (t Ticket) Tokens() int64            { return t.Size }

// drain prints what is in a queue, in the order in which it leaves.
func drain(q *queue.Queue[Ticket]) {
	q.Close()
	for {
		t, err := q.Pop(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(t.Name)
	}
}

func ExampleBy() {
	q := queue.By(Ticket.Priority, queue.Config{Capacity: 100})
	_, err := q.PushMany(context.Background(), []Ticket{
		{Name: "newsletter", Level: queue.PriorityLow},
		{Name: "invoice"}, // the zero Priority is PriorityNormal
		{Name: "outage", Level: queue.PriorityCritical},
		{Name: "reminder"},
	})
	if err != nil {
		fmt.Println(err)
	}
	drain(q)
	// Output:
	// outage
	// invoice
	// reminder
	// newsletter
	// queue: closed
}

func ExampleBy_deadline() {
	noon := time.Date(2030, 5, 17, 12, 0, 0, 0, time.UTC)
	q := queue.By(Ticket.Deadline, queue.Config{})
	_, err := q.PushMany(context.Background(), []Ticket{
		{Name: "whenever"},
		{Name: "tomorrow", Due: noon.AddDate(0, 0, 1)},
		{Name: "today", Due: noon},
	})
	if err != nil {
		fmt.Println(err)
	}
	drain(q)
	// Output:
	// today
	// tomorrow
	// whenever
	// queue: closed
}

func ExampleFair() {
	q := queue.New(queue.Fair(Ticket.Priority, Ticket.Tenant, Ticket.Tokens), queue.Config{
		Weights: map[string]int{"acme": 2}, // twice the share of any other
	})
	var tickets []Ticket
	for _, customer := range []string{"acme", "bolt"} {
		for n := range 4 {
			tickets = append(tickets, Ticket{Name: fmt.Sprint(customer, " ", n), Customer: customer, Size: 100})
		}
	}
	if _, err := q.PushMany(context.Background(), tickets); err != nil {
		fmt.Println(err)
	}
	drain(q)
	// Output:
	// acme 0
	// bolt 0
	// acme 1
	// acme 2
	// bolt 1
	// acme 3
	// bolt 2
	// bolt 3
	// queue: closed
}

func ExampleQueue_Update() {
	q := queue.By(Ticket.Priority, queue.Config{}).Index(Ticket.ID)
	_, err := q.PushMany(context.Background(), []Ticket{{Name: "a"}, {Name: "b"}, {Name: "c"}})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(q.Position("c"))
	err = q.Update("c", func(t Ticket) Ticket { t.Level = queue.PriorityCritical; return t })
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(q.Position("c"))
	t, err := q.Remove("c")
	fmt.Println(t.Name, err)
	_, err = q.Position("c")
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// 0 <nil>
	// c <nil>
	// queue: no such item
}

func ExampleQueue_Run() {
	q := queue.By(Ticket.Priority, queue.Config{Slice: 2})
	in, out := make(chan []Ticket, 1), make(chan []Ticket)
	in <- []Ticket{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "urgent", Level: queue.PriorityCritical}}
	close(in)
	go func() {
		defer close(out) // a pipeline does this
		if err := q.Run(context.Background(), in, out); err != nil {
			fmt.Println(err)
		}
	}()
	for tickets := range out {
		names := ""
		for _, t := range tickets {
			names += " " + t.Name
		}
		fmt.Println("slice:" + names)
	}
	// Output:
	// slice: urgent a
	// slice: b c
}

func ExampleConfig_Level() {
	var cfg queue.Config // critical within 24 hours, high within 72
	now := time.Date(2030, 5, 17, 12, 0, 0, 0, time.UTC)
	due := now.Add(80 * time.Hour)
	for _, passed := range []time.Duration{0, 10 * time.Hour, 60 * time.Hour} {
		fmt.Println(cfg.Level(due, now.Add(passed)))
	}
	// Output:
	// normal
	// high
	// critical
}

func ExampleOpen() {
	ctx, store := context.Background(), newDisk() // any ordered key-value store
	q, err := queue.Open(ctx, store, "tickets", queue.Strict(Ticket.Priority), queue.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = q.PushMany(ctx, []Ticket{{Name: "a"}, {Name: "b"}, {Name: "c"}})
	if err != nil {
		fmt.Println(err)
	}
	first, err := q.Pop(ctx)
	fmt.Println(first.Item.Name, err, q.Ack(ctx, first))
	second, err := q.Pop(ctx)
	fmt.Println(second.Item.Name, err, "but not acknowledged")

	q, err = queue.Open(ctx, store, "tickets", queue.Strict(Ticket.Priority), queue.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	rest, err := q.PopMany(ctx, 10)
	for _, d := range rest {
		fmt.Println(d.Item.Name, err)
	}
	// Output:
	// a <nil> <nil>
	// b <nil> but not acknowledged
	// b <nil>
	// c <nil>
}

func ExampleOpenIndexed() {
	ctx, store := context.Background(), newDisk()
	open := func() *queue.Durable[Ticket] {
		q, err := queue.OpenIndexed(ctx, store, "tickets", Ticket.ID, queue.Strict(Ticket.Priority), queue.Config{})
		if err != nil {
			fmt.Println(err)
		}
		return q
	}
	q := open()
	if _, err := q.PushMany(ctx, []Ticket{{Name: "a"}, {Name: "b"}, {Name: "c"}}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(q.Update(ctx, "c", func(t Ticket) Ticket { t.Level = queue.PriorityCritical; return t }))
	_, err := q.Remove(ctx, "a")
	fmt.Println(err)

	q = open()
	fmt.Println(q.Position("c"))
	fmt.Println(q.Position("b"))
	fmt.Println(q.Len())
	// Output:
	// <nil>
	// <nil>
	// 0 <nil>
	// 1 <nil>
	// 2
}
