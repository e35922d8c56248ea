package state_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/queue"
)

// inOrder has one level, so the order is that of arrival.
var inOrder = queue.Strict(func(string) queue.Priority { return queue.PriorityNormal })

func openQueue(t *testing.T, s queue.Store, name string) *queue.Durable[string] {
	t.Helper()
	q, err := queue.Open(t.Context(), s, name, inOrder, queue.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func push(t *testing.T, q *queue.Durable[string], items ...string) {
	t.Helper()
	if _, err := q.PushMany(t.Context(), items); err != nil {
		t.Fatal(err)
	}
}

func pop(t *testing.T, q *queue.Durable[string], n int) (got []queue.Delivery[string], items []string) {
	t.Helper()
	got, err := q.PopMany(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range got {
		items = append(items, d.Item)
	}
	return got, items
}

func ack(t *testing.T, q *queue.Durable[string], done ...queue.Delivery[string]) {
	t.Helper()
	if err := q.Ack(t.Context(), done...); err != nil {
		t.Fatal(err)
	}
}

func TestQueueForgetsOverRestartsWhatIsDoneAndNothingElse(t *testing.T) {
	for kind, start := range stores {
		t.Run(kind, func(t *testing.T) {
			reopen := start(t)
			q := openQueue(t, state.NewQueue(reopen()), "tasks")
			push(t, q, "a", "b", "c")
			got, _ := pop(t, q, 2)
			ack(t, q, got[1])

			q = openQueue(t, state.NewQueue(reopen()), "tasks")
			push(t, q, "d")
			got, items := pop(t, q, 9)
			if diff := cmp.Diff([]string{"a", "c", "d"}, items); diff != "" {
				t.Error(diff)
			}
			ack(t, q, got...)

			if left := openQueue(t, state.NewQueue(reopen()), "tasks").Len(); left != 0 {
				t.Errorf("%d items are left", left)
			}
		})
	}
}

// Through restarts a scan shows what was set and is not done, and each write
// has a higher revision than the one before.
func TestQueueAgreesWithModel(t *testing.T) {
	store, run := state.NewMemory(), 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		prefix := fmt.Sprintf("%d/", run)
		q, model, before := state.NewQueue(store), map[string]string{}, map[string]uint64{}
		key := rapid.Map(rapid.StringMatching("[ab]{1,3}"), func(s string) string { return prefix + s })
		rt.Repeat(map[string]func(*rapid.T){
			"restart": func(*rapid.T) { q = state.NewQueue(store) },
			"commit": func(rt *rapid.T) {
				var keys, values [][]byte
				for _, k := range rapid.SliceOfNDistinct(key, 1, 4, rapid.ID).Draw(rt, "keys") {
					keys, values = append(keys, []byte(k)), append(values, nil)
					delete(model, k)
					if rapid.Bool().Draw(rt, "set") {
						model[k] = rapid.StringN(0, 4, -1).Draw(rt, "value")
						values[len(values)-1] = []byte(model[k])
					}
				}
				if err := q.Commit(t.Context(), keys, values); err != nil {
					rt.Fatal(err)
				}
				after := records(t, store, "Q"+prefix)
				for _, k := range keys {
					if was := before["Q"+string(k)]; after["Q"+string(k)] <= was {
						rt.Fatalf("%s at revision %d was written at %d", k, was, after["Q"+string(k)])
					}
				}
				before = after
			},
			"": func(rt *rapid.T) {
				from := rapid.OneOf(rapid.Just(prefix), key).Draw(rt, "from")
				want := slices.DeleteFunc(slices.Sorted(maps.Keys(model)), func(k string) bool { return k < from })
				var got []string
				err := q.Scan(t.Context(), []byte(prefix), []byte(from), func(k, v []byte) bool {
					if model[string(k)] != string(v) {
						rt.Errorf("%s is %q, want %q", k, v, model[string(k)])
					}
					got = append(got, string(k))
					return true
				})
				if err != nil || !slices.Equal(got, want) {
					rt.Fatalf("scan yields %q, %v, want %q", got, err, want)
				}
			},
		})
	})
}

func TestQueueSaysWhatIsTooLargeAndTakesTheRest(t *testing.T) {
	for kind, start := range stores {
		t.Run(kind, func(t *testing.T) {
			reopen := start(t)
			q := openQueue(t, state.NewQueue(reopen()), "tasks")
			largest := strings.Repeat("x", state.MaxValue-3) // with quotes and mark
			if err := q.Push(t.Context(), largest+"x"); !errors.Is(err, state.ErrTooLarge) {
				t.Errorf("an item one byte too large: %v", err)
			}
			push(t, q, slices.Repeat([]string{largest}, 300)...) // more than one commit holds
			if _, items := pop(t, openQueue(t, state.NewQueue(reopen()), "tasks"), 999); !slices.Equal(items, slices.Repeat([]string{largest}, 300)) {
				t.Errorf("%d items were kept, want the 300 that fit", len(items))
			}
			misnamed := openQueue(t, state.NewQueue(reopen()), strings.Repeat("n", state.MaxKey))
			if err := misnamed.Push(t.Context(), "a"); !errors.Is(err, state.ErrTooLarge) {
				t.Errorf("a queue of too long a name: %v", err)
			}
		})
	}
}

func TestQueuesWriteAtOnce(t *testing.T) {
	for kind, start := range stores {
		t.Run(kind, func(t *testing.T) {
			reopen := start(t)
			store := reopen()
			shared := state.NewQueue(store)
			adapters := []*state.Queue{shared, shared, state.NewQueue(store)}
			const each = 40
			var writers sync.WaitGroup
			for i, s := range adapters {
				q := openQueue(t, s, fmt.Sprint("tasks", i))
				for w := range 2 {
					writers.Go(func() {
						for n := range each {
							if err := q.Push(t.Context(), fmt.Sprint(w, "-", n)); err != nil {
								t.Error(err)
							}
						}
					})
				}
			}
			writers.Wait()
			store = reopen()
			for i := range adapters {
				if n := openQueue(t, state.NewQueue(store), fmt.Sprint("tasks", i)).Len(); n != 2*each {
					t.Errorf("queue %d holds %d items, want %d", i, n, 2*each)
				}
			}
		})
	}
}

// visits counts the records that scans look at.
type visits struct {
	state.Store
	n int
}

func (v *visits) Scan(ctx context.Context, prefix, from []byte) iter.Seq2[state.Record, error] {
	return func(yield func(state.Record, error) bool) {
		for r, err := range v.Store.Scan(ctx, prefix, from) {
			v.n++
			if !yield(r, err) {
				return
			}
		}
	}
}

func TestTombstonesAreSmallAndNotScanned(t *testing.T) {
	store := &visits{Store: state.NewMemory()}
	q := openQueue(t, state.NewQueue(store), "tasks")
	for range 5 {
		push(t, q, slices.Repeat([]string{strings.Repeat("payload", 100)}, 1000)...)
		got, _ := pop(t, q, 1000)
		for some := range slices.Chunk(got, 100) {
			ack(t, q, some...)
		}
	}
	bytes := 0
	for r, err := range store.Scan(t.Context(), []byte("Qtasks\x00q"), nil) {
		if err != nil {
			t.Fatal(err)
		}
		bytes += len(r.Key) + len(r.Value)
	}
	if want := 5000 * (len("Q") + len("tasks\x00q") + 8 + 8); bytes != want {
		t.Errorf("5000 tombstones take %d bytes, want %d", bytes, want)
	}
	store.n = 0
	openQueue(t, state.NewQueue(store), "tasks")
	if store.n > 600 {
		t.Errorf("opening looked at %d records of 5000 that are done", store.n)
	}
}
