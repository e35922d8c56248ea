package accumulator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
)

func Example() {
	ctx := context.Background()
	insert := func(_ context.Context, b accumulator.Batch[string]) error {
		fmt.Println(b.Reason, b.Items)
		return nil
	}
	acc, err := accumulator.New[string](accumulator.Config{MaxItems: 2, MaxWait: time.Second}).Start(ctx, insert)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range []string{"oak", "elm", "ash"} {
		if err := acc.Add(ctx, row); err != nil {
			fmt.Println(err)
		}
	}
	if left, err := acc.Close(ctx); err != nil {
		fmt.Println(len(left), "batches were not inserted:", err)
	}
	// Output:
	// size [oak elm]
	// close [ash]
}

type mail struct{ to, text string }

func (m mail) country() string { return m.to[len(m.to)-2:] }
func (m mail) size() int       { return len(m.text) }

func ExampleBy() {
	ctx := context.Background()
	send := func(_ context.Context, b accumulator.Batch[mail]) error {
		fmt.Printf("%s: %d mails of %d bytes (%v)\n", b.Key, len(b.Items), b.Weight, b.Reason)
		return nil
	}
	stage := accumulator.By(mail.country, accumulator.Config{MaxWeight: 10, MaxWait: time.Minute}).WeighBy(mail.size)
	acc, err := stage.Start(ctx, send)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = acc.AddMany(ctx, []mail{
		{"ann@x.de", "12345"}, {"bob@x.fr", "1234"}, {"cem@x.de", "123456"}, {"dee@x.de", "1234"},
	})
	_, _ = acc.Close(ctx)
	// Output:
	// de: 1 mails of 5 bytes (weight)
	// de: 2 mails of 10 bytes (weight)
	// fr: 1 mails of 4 bytes (close)
}

func ExampleStage_Run() {
	p := flow.New(context.Background())
	numbers := flow.From(p, slices.Values([]int{1, 2, 3, 4, 5}))
	batches := flow.Via(p, numbers, accumulator.New[int](accumulator.Config{MaxItems: 2, MaxWait: time.Second}))
	flow.To(p, batches, func(_ context.Context, b accumulator.Batch[int]) error {
		fmt.Println(b.Items)
		return nil
	})
	if err := p.Wait(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// [1 2]
	// [3 4]
	// [5]
}

// An item may be a group that must not be torn apart. It counts as one, and
// weighs what its members weigh.
func ExampleNew_groups() {
	size := func(group []string) int {
		n := 0
		for _, s := range group {
			n += len(s)
		}
		return n
	}
	ctx := context.Background()
	stage := accumulator.New[[]string](accumulator.Config{MaxItems: 2, MaxWeight: 12}).WeighBy(size)
	acc, err := stage.Start(ctx, func(_ context.Context, b accumulator.Batch[[]string]) error {
		fmt.Println(b.Reason, slices.Concat(b.Items...))
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = acc.AddMany(ctx, [][]string{{"order", "line"}, {"note"}, {"a", "b", "c"}, {"d"}})
	_, _ = acc.Close(ctx)
	// Output:
	// weight [order line]
	// size [note a b c]
	// close [d]
}

func ExampleStage_Reject() {
	ctx := context.Background()
	stage := accumulator.New[string](accumulator.Config{MaxWeight: 5}).
		WeighBy(func(s string) int { return len(s) }).
		Reject(func(s string, err error) { fmt.Printf("%q: %v\n", s, err) })
	acc, err := stage.Start(ctx, func(_ context.Context, b accumulator.Batch[string]) error {
		fmt.Println(b.Items)
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = acc.AddMany(ctx, []string{"ash", "sycamore", "fir"})
	_, _ = acc.Close(ctx)
	// Output:
	// "sycamore": accumulator: item of weight 8 is over MaxWeight 5
	// [ash]
	// [fir]
}

func ExampleAccumulator_Batches() {
	ctx := context.Background()
	acc, err := accumulator.New[int](accumulator.Config{MaxItems: 2}).Open(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		_, _ = acc.AddMany(ctx, []int{1, 2, 3})
		_, _ = acc.Close(ctx)
	}()
	for batch := range acc.Batches() {
		fmt.Println(batch.Items)
	}
	// Output:
	// [1 2]
	// [3]
}

func ExampleAccumulator_Producer() {
	ctx := context.Background()
	sum := 0
	acc, err := accumulator.New[int](accumulator.Config{MaxItems: 1000}).Start(ctx, func(_ context.Context, b accumulator.Batch[int]) error {
		for _, v := range b.Items {
			sum += v
		}
		b.Release() // the items are no longer needed
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := acc.Producer() // one for each goroutine
	for v := range 10_001 {
		if err := p.Add(ctx, v); err != nil {
			fmt.Println(err)
		}
	}
	_, _ = acc.Close(ctx)
	fmt.Println(sum)
	// Output: 50005000
}

func ExampleAccumulator_Flush() {
	ctx := context.Background()
	acc, err := accumulator.New[string](accumulator.Config{MaxItems: 100}).Start(ctx, func(_ context.Context, b accumulator.Batch[string]) error {
		fmt.Println(b.Reason, b.Items)
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = acc.Add(ctx, "urgent")
	if err := acc.Flush(ctx); err == nil {
		fmt.Println("delivered")
	}
	_, _ = acc.Close(ctx)
	// Output:
	// flush [urgent]
	// delivered
}

// Close returns what a failed handler has left.
func ExampleAccumulator_Close() {
	ctx := context.Background()
	down := errors.New("database is down")
	acc, err := accumulator.New[string](accumulator.Config{MaxItems: 2}).Start(ctx, func(context.Context, accumulator.Batch[string]) error {
		return down
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = acc.AddMany(ctx, []string{"oak", "elm"})
	left, err := acc.Close(ctx)
	for _, b := range left {
		fmt.Println("not inserted:", b.Items)
	}
	fmt.Println(errors.Is(err, down))
	// Output:
	// not inserted: [oak elm]
	// true
}

func ExampleAccumulator_Stats() {
	ctx := context.Background()
	acc, err := accumulator.New[int](accumulator.Config{MaxItems: 4}).Start(ctx, func(context.Context, accumulator.Batch[int]) error { return nil })
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = acc.AddMany(ctx, []int{1, 2, 3, 4, 5, 6})
	_, _ = acc.Close(ctx)
	s := acc.Stats()
	fmt.Printf("%d items in %d batches, %.0f %% full, %d by size, %d by close\n",
		s.Items, s.Batches, 100*s.Fill, s.Reasons[accumulator.ReasonSize], s.Reasons[accumulator.ReasonClose])
	// Output: 6 items in 2 batches, 75 % full, 1 by size, 1 by close
}

// A Buffer goes into a loop that has its own timer and its own delivery.
func ExampleBuffer() {
	buf, err := accumulator.NewBuffer[string](accumulator.Config{MaxItems: 3, MaxWeight: 8})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Now()
	flush := func() {
		if b, ok := buf.Flush(now); ok {
			fmt.Println(b.Reason, b.Items)
		}
	}
	for _, word := range []string{"oak", "larch", "ash", "sycamore", "a", "b", "c"} {
		if !buf.Add(word, len(word), now) {
			flush()
			buf.Add(word, len(word), now)
		}
		if buf.Full() {
			flush()
		}
	}
	flush()
	// Output:
	// weight [oak larch]
	// weight [ash]
	// weight [sycamore]
	// size [a b c]
}

func ExampleLoader() {
	ctx := context.Background()
	// One query asks for many users.
	query := func(_ context.Context, b accumulator.Batch[int]) ([]accumulator.Result[string], error) {
		defer b.Release()
		rows := make([]accumulator.Result[string], len(b.Items))
		for i, id := range b.Items {
			if rows[i].Value = fmt.Sprint("user ", id); id > 9 {
				rows[i] = accumulator.Result[string]{Err: errors.New("no such user")}
			}
		}
		return rows, nil
	}
	users, err := accumulator.NewLoader(ctx, accumulator.New[int](accumulator.Config{MaxItems: 100, MaxWait: time.Millisecond}), query)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = users.Close(ctx) }()

	// Any number of requests of a server do this at the same time.
	fmt.Println(users.Do(ctx, 7))
	fmt.Println(users.Do(ctx, 12))
	// Output:
	// user 7 <nil>
	//  no such user
}
