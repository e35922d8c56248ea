package accumulator_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/accumulator"
)

type intBatch = accumulator.Batch[int]

type found = accumulator.Result[string]

var pairs = accumulator.New[int](accumulator.Config{MaxItems: 2, MaxWait: time.Second})

// names is a batch function that names each number, and refuses negative ones.
func names(_ context.Context, b intBatch) ([]found, error) {
	var rows []found
	for _, n := range b.Items {
		row := found{Value: fmt.Sprint("n", n)}
		if n < 0 {
			row = found{Err: errBoom}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func newLoader(t *testing.T, s accumulator.Stage[int], load func(context.Context, intBatch) ([]found, error)) *accumulator.Loader[int, string] {
	t.Helper()
	l, err := accumulator.NewLoader(t.Context(), s, load)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeLoader(t *testing.T, l *accumulator.Loader[int, string]) {
	t.Helper()
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// reply is what a Do returned.
type reply struct {
	Name string
	Err  error
}

// doAll calls do for all items at once, and returns what each call returned.
func doAll(items []int, do func(int) (string, error)) []reply {
	got := make([]reply, len(items))
	var wg sync.WaitGroup
	for i, item := range items {
		wg.Go(func() { got[i].Name, got[i].Err = do(item) })
	}
	wg.Wait()
	return got
}

func TestEachCallerGetsTheResultOfItsItem(t *testing.T) {
	for name, stage := range map[string]accumulator.Stage[int]{
		"plain":  accumulator.New[int](accumulator.Config{MaxItems: 7, MaxWait: time.Second, Workers: 3}),
		"keyed":  accumulator.By(func(n int) string { return fmt.Sprint(n % 3) }, accumulator.Config{MaxItems: 7, MaxWait: time.Second}),
		"weight": accumulator.New[int](accumulator.Config{MaxWeight: 20, MaxWait: time.Second}).WeighBy(func(n int) int { return n % 5 }),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLoader(t, stage, names)
				defer closeLoader(t, l)
				items := make([]int, 200)
				want := make([]reply, len(items))
				for i := range items {
					items[i], want[i] = i, reply{Name: fmt.Sprint("n", i)}
				}
				if d := cmp.Diff(want, doAll(items, func(n int) (string, error) { return l.Do(t.Context(), n) })); d != "" {
					t.Error(d)
				}
				if s := l.Stats(); s.Items != 200 || s.Batches > 100 {
					t.Errorf("%d items went in %d batches", s.Items, s.Batches)
				}
			})
		})
	}
}

func TestAnErrorIsThatOfOneItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoader(t, pairs, names)
		defer closeLoader(t, l)
		got := doAll([]int{-1, 1}, func(n int) (string, error) { return l.Do(t.Context(), n) })
		if !errors.Is(got[0].Err, errBoom) || got[1] != (reply{Name: "n1"}) {
			t.Errorf("got %v", got)
		}
	})
}

// A batch that fails as a whole fails for its callers, and the next one is
// sent.
func TestABatchThatFailsIsAnErrorOfItsCallersAlone(t *testing.T) {
	isError := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	isCount := func(results int) func(error) bool {
		return func(err error) bool {
			e, ok := errors.AsType[*accumulator.CountError](err)
			return ok && *e == accumulator.CountError{Items: 2, Results: results}
		}
	}
	for name, test := range map[string]struct {
		load func(intBatch) ([]found, error)
		is   func(error) bool
	}{
		"error":   {func(intBatch) ([]found, error) { return nil, errBoom }, isError(errBoom)},
		"lost":    {func(intBatch) ([]found, error) { return make([]found, 1), nil }, isCount(1)},
		"none":    {func(intBatch) ([]found, error) { return nil, nil }, isCount(0)},
		"surplus": {func(intBatch) ([]found, error) { return make([]found, 3), nil }, isCount(3)},
		"panic": {func(b intBatch) ([]found, error) { return make([]found, b.Items[7]), nil }, func(err error) bool {
			_, ofRuntime := errors.AsType[runtime.Error](err)
			e, ok := errors.AsType[*accumulator.PanicError](err)
			return ofRuntime && ok && strings.Contains(string(e.Stack), "loader_test.go") && strings.Contains(err.Error(), "out of range")
		}},
		"panic with an item": {func(intBatch) ([]found, error) { panic("card 4111") }, func(err error) bool {
			return !strings.Contains(err.Error(), "4111") && strings.Contains(err.Error(), "string")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				broken := true
				l := newLoader(t, pairs, func(ctx context.Context, b intBatch) ([]found, error) {
					if broken {
						broken = false
						return test.load(b)
					}
					return names(ctx, b)
				})
				defer closeLoader(t, l)
				do := func(n int) (string, error) { return l.Do(t.Context(), n) }
				for _, got := range doAll([]int{1, 2}, do) {
					if !test.is(got.Err) {
						t.Errorf("got %v", got)
					}
				}
				for _, got := range doAll([]int{3, 4}, do) {
					if got.Err != nil {
						t.Errorf("the next batch: %v", got.Err)
					}
				}
			})
		})
	}
}

// A function that ends its goroutine has no result, and its worker is gone: the
// Loader stops, and nobody waits for ever.
func TestAFunctionThatEndsItsGoroutineStopsTheLoader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoader(t, pairs, func(context.Context, intBatch) ([]found, error) { runtime.Goexit(); return nil, nil })
		for _, got := range doAll([]int{1, 2, 3, 4}, func(n int) (string, error) { return l.Do(t.Context(), n) }) {
			if got.Err == nil {
				t.Error("a result came from nowhere")
			}
		}
		if err := l.Close(t.Context()); err == nil {
			t.Error("Close does not say that the Loader had stopped")
		}
	})
}

func TestACallerThatLeavesSpoilsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoader(t, accumulator.New[int](accumulator.Config{MaxItems: 3, MaxWait: time.Second}),
			func(ctx context.Context, b intBatch) ([]found, error) {
				time.Sleep(time.Minute)
				if ctx.Err() != nil {
					t.Error("the context of the batch is that of a caller")
				}
				return names(ctx, b)
			})
		defer closeLoader(t, l)
		got := doAll([]int{1, 2, 3}, func(n int) (string, error) {
			ctx := t.Context()
			if n == 2 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeoutCause(ctx, 2*time.Second, errBoom)
				defer cancel()
			}
			return l.Do(ctx, n)
		})
		if got[0] != (reply{Name: "n1"}) || !errors.Is(got[1].Err, errBoom) || got[2] != (reply{Name: "n3"}) {
			t.Errorf("got %v", got)
		}
	})
}

// The item of a caller that has left before may cost money, and nobody wants
// its result.
func TestAnItemWhoseCallerHasLeftIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoader(t, pairs, names)
		gone, leave := context.WithCancelCause(t.Context())
		leave(errBoom)
		for name, do := range map[string]func() (string, error){
			"Do":       func() (string, error) { return l.Do(gone, 1) },
			"DoShared": func() (string, error) { return l.DoShared(gone, "one", 1) },
		} {
			if _, err := do(); !errors.Is(err, errBoom) {
				t.Errorf("%s: %v", name, err)
			}
		}
		closeLoader(t, l)
		if s := l.Stats(); s.Items != 0 {
			t.Errorf("%d items were sent", s.Items)
		}
	})
}

// What waits for a batch while too many are pending can leave, too.
func TestACallerThatWaitsForABatchCanLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoader(t, accumulator.New[int](accumulator.Config{MaxItems: 1, MaxPending: 1}),
			func(ctx context.Context, b intBatch) ([]found, error) {
				time.Sleep(time.Minute)
				return names(ctx, b)
			})
		defer closeLoader(t, l)
		got := doAll([]int{1, 2}, func(n int) (string, error) {
			if n == 1 {
				return l.Do(t.Context(), n)
			}
			time.Sleep(time.Second)
			return l.Do(within(t, time.Second), n)
		})
		if got[0].Err != nil || !errors.Is(got[1].Err, context.DeadlineExceeded) {
			t.Errorf("got %v", got)
		}
		if s := l.Stats(); s.Items != 1 {
			t.Errorf("%d items were sent, and one caller had left before", s.Items)
		}
	})
}

func TestAnItemThatIsTooHeavyIsAnErrorOfItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rejected atomic.Int32
		l := newLoader(t, accumulator.New[int](accumulator.Config{MaxWeight: 5, MaxWait: time.Second}).
			WeighBy(func(n int) int { return n }).Reject(func(int, error) { rejected.Add(1) }), names)
		defer closeLoader(t, l)
		got := doAll([]int{6, 5}, func(n int) (string, error) { return l.Do(t.Context(), n) })
		if _, ok := errors.AsType[*accumulator.OverweightError](got[0].Err); !ok || got[1].Err != nil || rejected.Load() != 1 {
			t.Errorf("got %v, and the hook ran %d times", got, rejected.Load())
		}
	})
}

func TestCloseOfALoaderAnswersAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoader(t, accumulator.New[int](accumulator.Config{MaxItems: 100}), names)
		var closed sync.WaitGroup
		closed.Go(func() {
			time.Sleep(time.Second)
			closeLoader(t, l)
		})
		defer closed.Wait()
		for _, got := range doAll([]int{1, 2, 3}, func(n int) (string, error) { return l.Do(t.Context(), n) }) {
			if got.Err != nil {
				t.Error(got.Err)
			}
		}
		if _, err := l.Do(t.Context(), 1); !errors.Is(err, accumulator.ErrClosed) {
			t.Errorf("Do after Close: %v", err)
		}
		if err := l.Close(t.Context()); !errors.Is(err, accumulator.ErrClosed) {
			t.Errorf("a second Close: %v", err)
		}
	})
}

// When the Loader must stop, callers of batches that were not sent get an error
// at once, and the others what the function makes of it.
func TestNoCallerIsForgottenWhenALoaderStops(t *testing.T) {
	stuck := func(ctx context.Context, b intBatch) ([]found, error) {
		<-ctx.Done()
		if b.Items[0] == 1 {
			return names(ctx, b) // it was done after all
		}
		return nil, context.Cause(ctx)
	}
	for name, stop := range map[string]func(*testing.T, *accumulator.Loader[int, string], context.CancelCauseFunc) error{
		"the context": func(_ *testing.T, _ *accumulator.Loader[int, string], cancel context.CancelCauseFunc) error {
			cancel(errBoom)
			return errBoom
		},
		"Close": func(t *testing.T, l *accumulator.Loader[int, string], _ context.CancelCauseFunc) error {
			t.Helper()
			if err := l.Close(within(t, time.Second)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Close: %v", err)
			}
			return accumulator.ErrClosed
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				l, err := accumulator.NewLoader(ctx, accumulator.New[int](accumulator.Config{MaxItems: 1, MaxPending: 2}), stuck)
				if err != nil {
					t.Fatal(err)
				}
				var wg sync.WaitGroup
				for n := range 4 {
					wg.Go(func() {
						time.Sleep(time.Duration(n) * time.Millisecond)
						_, err := l.Do(t.Context(), n+1)
						if (err == nil) != (n == 0) {
							t.Errorf("item %d: %v", n+1, err)
						}
					})
				}
				time.Sleep(time.Second)
				want := stop(t, l, cancel)
				wg.Wait()
				if _, err := l.Do(t.Context(), 9); !errors.Is(err, want) {
					t.Errorf("Do after the stop: %v", err)
				}
				_ = l.Close(t.Context())
			})
		})
	}
}

func TestFlushOfALoader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoader(t, accumulator.New[int](accumulator.Config{MaxItems: 100}), names)
		defer closeLoader(t, l)
		var flushed sync.WaitGroup
		flushed.Go(func() {
			time.Sleep(time.Second)
			if err := l.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		})
		defer flushed.Wait()
		if got, err := l.Do(t.Context(), 1); got != "n1" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// Results stay those of their batch when its memory is used again.
func TestABatchOfALoaderMayBeReleased(t *testing.T) {
	t.Parallel()
	l := newLoader(t, accumulator.New[int](accumulator.Config{MaxItems: 10, MaxWait: time.Millisecond, Workers: 2}),
		func(ctx context.Context, b intBatch) ([]found, error) {
			defer b.Release()
			return names(ctx, b)
		})
	defer closeLoader(t, l)
	items := make([]int, 1000)
	for i := range items {
		items[i] = i
	}
	for i, got := range doAll(items, func(n int) (string, error) { return l.Do(t.Context(), n) }) {
		if got != (reply{Name: fmt.Sprint("n", i)}) {
			t.Fatalf("item %d got %v", i, got)
		}
	}
}

func TestALoaderNeedsAFunctionAndLimits(t *testing.T) {
	t.Parallel()
	if _, err := accumulator.NewLoader[int, string](t.Context(), pairs, nil); err == nil {
		t.Error("there is no function")
	}
	if _, err := accumulator.NewLoader(t.Context(), accumulator.New[int](accumulator.Config{}), names); err == nil {
		t.Error("there are no limits")
	}
}
