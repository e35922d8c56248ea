package queue_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/queue"
)

func TestZeroQueueIsAFIFO(t *testing.T) {
	t.Parallel()
	var q queue.Queue[int]
	if n := q.Len(); n != 0 {
		t.Errorf("%d items wait", n)
	}
	if n, err := q.PushMany(t.Context(), []int{3, 1, 2}); n != 3 || err != nil {
		t.Fatalf("pushed %d, %v", n, err)
	}
	if got, err := q.PopMany(t.Context(), 3); !slices.Equal(got, []int{3, 1, 2}) || err != nil {
		t.Errorf("popped %v, %v", got, err)
	}
}

// Each method may be the first.
func TestZeroQueueIsReadyForAnyMethod(t *testing.T) {
	t.Parallel()
	id := func(v int) string { return string(rune('a' + v)) }
	for name, use := range map[string]func(ctx context.Context, q *queue.Queue[int]) error{
		"Close": func(_ context.Context, q *queue.Queue[int]) error { q.Close(); return nil },
		"Index": func(ctx context.Context, q *queue.Queue[int]) error {
			if err := q.Index(id).Push(ctx, 1); err != nil {
				return err
			}
			return second(q.Position("b"))
		},
		"Push": func(ctx context.Context, q *queue.Queue[int]) error { return q.Push(ctx, 1) },
		"Pop": func(ctx context.Context, q *queue.Queue[int]) error {
			time.AfterFunc(time.Second, func() { _ = q.Push(ctx, 1) })
			return second(q.Pop(ctx))
		},
		"Run": func(ctx context.Context, q *queue.Queue[int]) error {
			in, out := make(chan []int, 1), make(chan []int, 1)
			in <- []int{1}
			close(in)
			return q.Run(ctx, in, out)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if err := use(t.Context(), new(queue.Queue[int])); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestZeroPolicyKeepsTheOrderOfArrival(t *testing.T) {
	t.Parallel()
	d, err := queue.Open(t.Context(), newDisk(), "numbers", queue.Policy[int]{}, queue.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.PushMany(t.Context(), []int{3, 1, 2}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{3, 1, 2} {
		if got, err := d.Pop(t.Context()); got.Item != want || err != nil {
			t.Errorf("popped %d, %v, want %d", got.Item, err, want)
		}
	}
}

func TestZeroDurableNamesItsConstructors(t *testing.T) {
	t.Parallel()
	var d queue.Durable[int]
	for name, use := range map[string]func(ctx context.Context) error{
		"Ack":      func(ctx context.Context) error { return d.Ack(ctx) },
		"Pop":      func(ctx context.Context) error { return second(d.Pop(ctx)) },
		"PopMany":  func(ctx context.Context) error { return second(d.PopMany(ctx, 1)) },
		"Position": func(context.Context) error { return second(d.Position("a")) },
		"Push":     func(ctx context.Context) error { return d.Push(ctx, 1) },
		"PushMany": func(ctx context.Context) error { return second(d.PushMany(ctx, []int{1})) },
		"Remove":   func(ctx context.Context) error { return second(d.Remove(ctx, "a")) },
		"Run":      func(ctx context.Context) error { return d.Run(ctx, make(chan []int), nil) },
		"Update":   func(ctx context.Context) error { return d.Update(ctx, "a", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := use(t.Context()); err == nil || !strings.Contains(err.Error(), "queue: a zero Durable has no store: make it with Open") {
				t.Error(err)
			}
		})
	}
	if d.Close(); d.Len() != 0 {
		t.Errorf("a zero Durable holds %d items", d.Len())
	}
}

func second[T any](_ T, err error) error { return err }

// A span that is given moves the default of the other out of its way.
func TestSpansOfLevelsHaveDefaultsOfTheirOwn(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for name, test := range map[string]struct {
		cfg  queue.Config
		left time.Duration
		want queue.Priority
	}{
		"Critical is long": {queue.Config{Critical: 100 * time.Hour}, 90 * time.Hour, queue.PriorityCritical},
		"High is short":    {queue.Config{High: time.Hour}, 2 * time.Hour, queue.PriorityNormal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := queue.By(func(t time.Time) time.Time { return t }, test.cfg)
			if err := q.Push(t.Context(), now); err != nil {
				t.Error(err)
			}
			if got := test.cfg.Level(now.Add(test.left), now); got != test.want {
				t.Errorf("an item with %s left is %s, want %s", test.left, got, test.want)
			}
		})
	}
}
