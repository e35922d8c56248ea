package queue_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/queue"
)

func identity(p queue.Priority) queue.Priority { return p }

func TestPushWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.By(identity, queue.Config{Capacity: 2})
		pushed := make(chan int)
		go func() {
			n, err := q.PushMany(t.Context(), []queue.Priority{1, 2, 3, 4, 5})
			if err != nil {
				t.Error(err)
			}
			pushed <- n
		}()
		synctest.Wait()
		if n := q.Len(); n != 2 {
			t.Fatalf("%d items in a queue for 2", n)
		}
		got, err := q.PopMany(t.Context(), 1)
		synctest.Wait()
		if !slices.Equal(got, []queue.Priority{2}) || err != nil || q.Len() != 2 {
			t.Fatalf("popped %v, %v; %d wait", got, err, q.Len())
		}
		for range 4 {
			if _, err := q.Pop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := <-pushed; n != 5 {
			t.Errorf("pushed %d of 5", n)
		}
	})
}

func TestCancelledWaitReturnsCause(t *testing.T) {
	why := errors.New("enough")
	for name, wait := range map[string]func(context.Context, *queue.Queue[queue.Priority]) error{
		"push": func(ctx context.Context, q *queue.Queue[queue.Priority]) error { return q.Push(ctx, queue.PriorityLow) },
		"pop": func(ctx context.Context, q *queue.Queue[queue.Priority]) error {
			_, err := q.PopMany(ctx, 2) // leaves the queue empty
			if err == nil {
				_, err = q.Pop(ctx)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := queue.By(identity, queue.Config{Capacity: 1})
				if err := q.Push(t.Context(), queue.PriorityHigh); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(why) })
				start := time.Now()
				if err := wait(ctx, q); !errors.Is(err, why) || time.Since(start) != time.Second {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
			})
		})
	}
}

func TestDoneContextMovesNothing(t *testing.T) {
	q := queue.By(identity, queue.Config{})
	if err := q.Push(t.Context(), queue.PriorityHigh); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Push(ctx, queue.PriorityLow); !errors.Is(err, context.Canceled) {
		t.Errorf("push: %v", err)
	}
	if _, err := q.Pop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("pop: %v", err)
	}
	if q.Len() != 1 {
		t.Errorf("%d items wait, not 1", q.Len())
	}
}

func TestClosedQueueDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.By(identity, queue.Config{Capacity: 2})
		var waiters sync.WaitGroup
		waiters.Go(func() {
			n, err := q.PushMany(t.Context(), []queue.Priority{1, 2, 3})
			if n != 2 || !errors.Is(err, queue.ErrClosed) {
				t.Errorf("waiting push: %d, %v", n, err)
			}
		})
		synctest.Wait()
		q.Close()
		q.Close()
		waiters.Wait()
		if got, err := q.PopMany(t.Context(), 9); !slices.Equal(got, []queue.Priority{2, 1}) || err != nil {
			t.Errorf("drained %v, %v", got, err)
		}
		if _, err := q.Pop(t.Context()); !errors.Is(err, queue.ErrClosed) {
			t.Errorf("pop of a drained queue: %v", err)
		}
		if err := q.Push(t.Context(), 1); !errors.Is(err, queue.ErrClosed) {
			t.Errorf("push to a closed queue: %v", err)
		}
	})
}

func TestCloseWakesAllConsumers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.By(identity, queue.Config{})
		var consumers sync.WaitGroup
		for range 5 {
			consumers.Go(func() {
				if _, err := q.Pop(t.Context()); !errors.Is(err, queue.ErrClosed) {
					t.Errorf("pop: %v", err)
				}
			})
		}
		synctest.Wait()
		q.Close()
		consumers.Wait()
	})
}

// Waiters that give up must not take a wake-up with them.
func TestNoWakeUpIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pairs, each = 4, 50
		q := queue.By(identity, queue.Config{Capacity: 3})
		var producers, consumers sync.WaitGroup
		var got atomic.Int64
		for i := range pairs {
			pause := time.Duration(i) * time.Millisecond
			patience := pause + time.Millisecond
			producers.Go(func() {
				for range each {
					err := insist(t, patience, func(ctx context.Context) error { return q.Push(ctx, queue.PriorityNormal) })
					if err != nil {
						t.Error(err)
					}
				}
			})
			consumers.Go(func() {
				pop := func(ctx context.Context) error { _, err := q.Pop(ctx); return err }
				for insist(t, patience, pop) == nil {
					got.Add(1)
					time.Sleep(pause)
				}
			})
		}
		producers.Wait()
		q.Close()
		consumers.Wait()
		if n := got.Load(); n != pairs*each {
			t.Errorf("%d of %d items came out", n, pairs*each)
		}
	})
}

// insist calls do again as long as it runs out of patience.
func insist(t *testing.T, patience time.Duration, do func(context.Context) error) error {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := do(ctx)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
}

func TestProducersAndConsumersLoseNothing(t *testing.T) {
	const producers, consumers, each = 8, 2, 2000
	q := queue.By(identity, queue.Config{Capacity: 64})
	var made, taken sync.WaitGroup
	for range producers {
		made.Go(func() {
			for i := range each {
				if err := q.Push(t.Context(), queue.Priority(i%7-3)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	got := make([]int, consumers)
	for c := range consumers {
		taken.Go(func() {
			for {
				items, err := q.PopMany(t.Context(), 10)
				if err != nil {
					return
				}
				if !slices.IsSortedFunc(items, func(a, b queue.Priority) int { return int(b - a) }) {
					t.Errorf("out of order: %v", items)
				}
				got[c] += len(items)
			}
		})
	}
	made.Wait()
	q.Close()
	taken.Wait()
	if got[0]+got[1] != producers*each {
		t.Errorf("%v of %d items came out", got, producers*each)
	}
}

func TestConfigErrorsNameTheField(t *testing.T) {
	for field, cfg := range map[string]queue.Config{
		"Config.Capacity":     {Capacity: -1},
		"Config.Slice":        {Slice: -1},
		"Config.Aging":        {Aging: -1},
		"Config.Critical":     {Critical: -1},
		"Config.High":         {Critical: 2 * time.Hour, High: time.Hour},
		`Config.Weights["a"]`: {Weights: map[string]int{"a": 0}},
	} {
		q := queue.By(identity, cfg).Index(queue.Priority.String)
		_, popErr := q.Pop(t.Context())
		for op, err := range map[string]error{
			"Push": q.Push(t.Context(), 1),
			"Pop":  popErr,
			"Run":  q.Run(t.Context(), nil, nil),
		} {
			if err == nil || !strings.Contains(err.Error(), field) {
				t.Errorf("%s with a bad %s: %v", op, field, err)
			}
		}
	}
}
