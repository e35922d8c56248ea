package router_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/router"
)

// letter is the key of an item such as "a7".
func letter(s string) string { return s[:1] }

type keyRouter = router.KeyRouter[string, string]

var errStopped = errors.New("stopped")

// slowly returns routes that take that long for each item.
func slowly(d time.Duration) func(string) flow.Stage[string, string] {
	return func(string) flow.Stage[string, string] {
		return flow.Each(func(context.Context, string) error {
			time.Sleep(d)
			return nil
		})
	}
}

// through runs a router until its input has ended, and returns what came out.
func through[Out any](t *testing.T, r *router.KeyRouter[string, Out], feed func(in chan<- []string)) []Out {
	t.Helper()
	in, out, done := make(chan []string), make(chan []Out, 1), make(chan error, 1)
	go func() {
		defer close(in)
		feed(in)
	}()
	go func() {
		defer close(out)
		done <- r.Run(t.Context(), in, out)
	}()
	var got []Out
	for outs := range out {
		got = append(got, outs...)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return got
}

// numbered returns n items of a key.
func numbered(key string, n int) []string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprint(key, i)
	}
	return items
}

func ofKey(items []string, key string) []string {
	return slices.DeleteFunc(slices.Clone(items), func(s string) bool { return letter(s) != key })
}

func TestASlowRouteHoldsUpNoOtherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := router.ByKey(letter, func(key string) flow.Stage[string, string] {
			if key == "a" {
				return slowly(time.Minute)(key)
			}
			return slowly(0)(key)
		}, router.KeyConfig[string]{})
		got := through(t, r, func(in chan<- []string) {
			in <- numbered("a", 500)
			for i := range 3 {
				time.Sleep(time.Second)
				in <- numbered(string(rune('b'+i)), 2)
			}
		})
		if d := cmp.Diff([]string{"b0", "b1", "c0", "c1", "d0", "d1"}, got[:6]); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(numbered("a", 500), ofKey(got, "a")); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(router.KeyStats{Routed: 506}, r.Stats()); d != "" {
			t.Error(d)
		}
	})
}

// An accumulator in each route: what a route holds comes when it ends, and the
// next item of its key finds another.
func TestAnIdleRouteEndsAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		built := map[string]int{}
		r := router.ByKey(letter, func(key string) flow.Stage[string, accumulator.Batch[string]] {
			built[key]++
			return accumulator.New[string](accumulator.Config{MaxItems: 10})
		}, router.KeyConfig[string]{Idle: time.Minute})
		got := through(t, r, func(in chan<- []string) {
			in <- []string{"a1", "b1", "a2"}
			time.Sleep(50 * time.Second)
			in <- []string{"b2"}
			time.Sleep(20 * time.Second)
			if s := r.Stats(); s.Routes != 1 {
				t.Errorf("%+v", s)
			}
			in <- []string{"a3"}
		})
		var batches []string
		for _, b := range got {
			batches = append(batches, strings.Join(b.Items, " "))
		}
		slices.Sort(batches)
		if d := cmp.Diff([]string{"a1 a2", "a3", "b1 b2"}, batches); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(map[string]int{"a": 2, "b": 1}, built); d != "" {
			t.Error(d)
		}
	})
}

// Items that come while a route ends wait for the next one of their key, so
// that they do not overtake what it holds.
func TestItemsOfARouteThatEndsKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := router.ByKey(letter, func(string) flow.Stage[string, string] {
			return flow.StageFunc[string, string](func(ctx context.Context, in <-chan []string, out chan<- []string) error {
				var held []string
				for items := range flow.Slices(ctx, in) {
					held = append(held, items...)
				}
				time.Sleep(time.Hour) // before it delivers what it holds
				return flow.Send(ctx, out, held)
			})
		}, router.KeyConfig[string]{Idle: time.Minute})
		got := through(t, r, func(in chan<- []string) {
			for i := range 5 {
				in <- []string{fmt.Sprint("a", i)}
				time.Sleep(30 * time.Minute)
			}
		})
		if d := cmp.Diff(numbered("a", 5), got); d != "" {
			t.Error(d)
		}
	})
}

func TestItemsWithoutRoomOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var over []string
		var last *router.FullError
		r := router.ByKey(letter, slowly(time.Minute), router.KeyConfig[string]{
			MaxQueued: 3, MaxRoutes: 2,
			Overflow: func(item string, err error) {
				over = append(over, item)
				if !errors.As(err, &last) {
					t.Error(err)
				}
			},
		})
		got := through(t, r, func(in chan<- []string) {
			for _, item := range numbered("a", 7) { // two are with the stage, and one on its way there
				in <- []string{item}
				synctest.Wait()
			}
			if s := r.Stats(); s.Queued != 3 || *last != (router.FullError{Key: "a", Queued: 3}) {
				t.Errorf("%+v, %v", s, last)
			}
			in <- []string{"b0", "c0"}
		})
		if len(got)+len(over) != 9 || over[len(over)-1] != "c0" || *last != (router.FullError{Key: "c"}) {
			t.Errorf("got %v, over %v, %v", got, over, last)
		}
		if d := cmp.Diff(router.KeyStats{Routed: int64(len(got)), Overflowed: int64(len(over))}, r.Stats()); d != "" {
			t.Error(d)
		}
	})
}

func TestItemsWithoutRoomWaitIfNothingTakesThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := router.ByKey(letter, slowly(time.Second), router.KeyConfig[string]{MaxQueued: 2, MaxRoutes: 1})
		got := through(t, r, func(in chan<- []string) {
			in <- numbered("a", 20)
			in <- append(numbered("b", 3), "a20")
		})
		if d := cmp.Diff(append(append(numbered("a", 20), numbered("b", 3)...), "a20"), got); d != "" {
			t.Error(d)
		}
	})
}

// More keys than places: the route that has been idle for longest ends, long
// before its time, and what it holds comes out.
func TestAnIdleRouteGivesItsPlaceToAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := router.ByKey(letter, func(string) flow.Stage[string, accumulator.Batch[string]] {
			return accumulator.New[string](accumulator.Config{MaxItems: 10})
		}, router.KeyConfig[string]{MaxRoutes: 2, Idle: time.Hour})
		var batches []string
		for _, b := range through(t, r, func(in chan<- []string) {
			for _, items := range [][]string{{"a1"}, {"b1"}, {"a2"}, {"c1"}, {"a3", "d1"}} { // without b, and then without c
				in <- items
				time.Sleep(time.Second)
				if s := r.Stats(); s.Routes > 2 || s.Queued > 0 {
					t.Errorf("after %s: %+v", items, s)
				}
			}
		}) {
			batches = append(batches, strings.Join(b.Items, " "))
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("it took %s", took)
		}
		slices.Sort(batches)
		if d := cmp.Diff([]string{"a1 a2 a3", "b1", "c1", "d1"}, batches); d != "" {
			t.Error(d)
		}
	})
}

// All routes are busy when another key comes: the first that has nothing more
// to do gives way, and none that has.
func TestAKeyWithoutAPlaceWaitsForARouteThatBecomesIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := router.ByKey(letter, slowly(time.Second), router.KeyConfig[string]{MaxRoutes: 2, Idle: time.Hour})
		got := through(t, r, func(in chan<- []string) {
			for _, items := range [][]string{numbered("a", 300), numbered("b", 10), {"c0"}, {"d0"}} {
				in <- items
			}
		})
		if took := time.Since(start); took != 300*time.Second {
			t.Errorf("it took %s", took)
		}
		if at := slices.Index(got, "d0"); at < 0 || at > 40 {
			t.Errorf("d0 came as number %d", at)
		}
	})
}

// With an Overflow an item of a new key does not wait, and the next one finds
// the place that was made.
func TestAnOverflowOfKeysMakesRoomForTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var over []string
		r := router.ByKey(letter, slowly(0), router.KeyConfig[string]{
			MaxRoutes: 1, Idle: time.Hour,
			Overflow: func(item string, _ error) { over = append(over, item) },
		})
		got := through(t, r, func(in chan<- []string) {
			for _, item := range []string{"a0", "b0", "b1", "b2"} {
				in <- []string{item}
				synctest.Wait()
			}
		})
		if d := cmp.Diff([]string{"a0", "b1", "b2"}, got); d != "" || !slices.Equal(over, []string{"b0"}) {
			t.Errorf("over %v: %s", over, d)
		}
	})
}

func TestTheErrorOfARouteIsThatOfTheStage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := router.ByKey(letter, func(key string) flow.Stage[string, string] {
			if key == "z" {
				return nil
			}
			return flow.Each(func(_ context.Context, s string) error {
				if s == "b1" {
					return errStopped
				}
				return nil
			})
		}, router.KeyConfig[string]{})
		for _, bad := range []string{"b1", "z1"} {
			in := make(chan []string, 1)
			in <- []string{"a1", bad}
			err := r.Run(t.Context(), in, make(chan []string, 2))
			if err == nil || !strings.Contains(err.Error(), `"`+bad[:1]+`"`) || (bad == "b1") != errors.Is(err, errStopped) {
				t.Errorf("%s: %v", bad, err)
			}
		}
		if s := r.Stats(); s.Routes != 0 || s.Queued != 0 {
			t.Errorf("runs that have ended hold something: %+v", s)
		}
	})
}

func TestACancelledKeyRouterReturnsTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		r := router.ByKey(letter, slowly(time.Second), router.KeyConfig[string]{})
		in, done := make(chan []string, 1), make(chan error, 1)
		in <- append(numbered("a", 100), numbered("b", 100)...)
		go func() { done <- r.Run(ctx, in, make(chan []string)) }()
		time.Sleep(10 * time.Second)
		cancel(errStopped)
		if err := <-done; err != errStopped { //nolint:errorlint // the cause itself, as of every stage
			t.Error(err)
		}
		if s := r.Stats(); s.Routes != 0 || s.Queued != 0 {
			t.Errorf("a run that has ended holds something: %+v", s)
		}
	})
}

func TestAKeyRouterSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for says, r := range map[string]*keyRouter{
		"ByKey":                 {},
		"must not be negative":  router.ByKey(letter, slowly(0), router.KeyConfig[string]{MaxQueued: -1}),
		"must not be negative ": router.ByKey(letter, slowly(0), router.KeyConfig[string]{Idle: -1}),
	} {
		in := make(chan []string)
		close(in)
		if err := r.Run(t.Context(), in, nil); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(says)) {
			t.Errorf("%v does not say %s", err, says)
		}
	}
}
