package queue_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/balerhq/baler/queue"
)

// task is a stored item.
type task struct {
	ID  int
	Pri queue.Priority
}

func (t task) Priority() queue.Priority { return t.Pri }

// disk is a store that survives its users, marks what is done instead of
// deleting it, and can fail.
type disk struct {
	mu      sync.Mutex
	pairs   map[string][]byte // nil: done
	visited int               // pairs that Scan looked at
	fail    func() fault
}

type fault int

const (
	works fault = iota
	failsBefore
	failsAfter // the change was made, but nobody was told
)

var errDisk = errors.New("disk on fire")

func newDisk() *disk {
	return &disk{pairs: map[string][]byte{}, fail: func() fault { return works }}
}

func (d *disk) Commit(_ context.Context, keys, values [][]byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.fail()
	if f == failsBefore {
		return errDisk
	}
	for i, k := range keys {
		d.pairs[string(k)] = bytes.Clone(values[i])
	}
	if f == failsAfter {
		return errDisk
	}
	return nil
}

func (d *disk) Scan(_ context.Context, prefix, from []byte, yield func(key, value []byte) bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, k := range slices.Sorted(maps.Keys(d.pairs)) {
		if !strings.HasPrefix(k, string(prefix)) || k < string(from) {
			continue
		}
		d.visited++
		if v := d.pairs[k]; v != nil && !yield([]byte(k), v) {
			break
		}
	}
	return nil
}

func open(tb testing.TB, s queue.Store) *queue.Durable[task] {
	tb.Helper()
	d, err := queue.Open(tb.Context(), s, "tasks", queue.Strict(task.Priority), queue.Config{Capacity: 1 << 20})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func popAll(tb testing.TB, d *queue.Durable[task]) []queue.Delivery[task] {
	tb.Helper()
	if d.Len() == 0 {
		return nil
	}
	got, err := d.PopMany(tb.Context(), d.Len())
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

func push(tb testing.TB, d *queue.Durable[task], tasks ...task) {
	tb.Helper()
	if n, err := d.PushMany(tb.Context(), tasks); n != len(tasks) || err != nil {
		tb.Fatalf("pushed %d of %d: %v", n, len(tasks), err)
	}
}

func numbers(deliveries []queue.Delivery[task]) []int {
	ids := make([]int, len(deliveries))
	for i, v := range deliveries {
		ids[i] = v.Item.ID
	}
	return ids
}

func TestDurableItemsSurviveRestart(t *testing.T) {
	s := newDisk()
	d := open(t, s)
	push(t, d, task{1, queue.PriorityLow}, task{2, queue.PriorityHigh}, task{3, queue.PriorityLow}, task{4, 99}, task{5, -99})
	first, err := d.Pop(t.Context())
	if err != nil || first.Item.ID != 4 {
		t.Fatalf("popped %+v, %v", first, err)
	}
	second, err := d.Pop(t.Context())
	if err != nil || second.Item.ID != 2 {
		t.Fatalf("popped %+v, %v", second, err)
	}
	if err := d.Ack(t.Context(), second); err != nil {
		t.Fatal(err)
	}

	d = open(t, s) // 4 was popped but not acknowledged
	push(t, d, task{6, queue.PriorityHigh})
	if got := numbers(popAll(t, d)); !slices.Equal(got, []int{4, 6, 1, 3, 5}) {
		t.Errorf("after the restart came %v", got)
	}
}

// A store that fails at any commit, before or after it wrote, and restarts at
// any time: what was pushed and not acknowledged is there, what was
// acknowledged is not, and what is in doubt is there at most once.
func TestDurableAgreesWithModelThroughCrashes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newDisk()
		faults := rapid.SampledFrom([]fault{works, works, works, works, failsBefore, failsAfter})
		s.fail = func() fault { return faults.Draw(rt, "fault") }
		d := open(t, s)
		must, may := map[int]task{}, map[int]task{}
		var popped []queue.Delivery[task]
		next := 0
		rt.Repeat(map[string]func(*rapid.T){
			"push": func(rt *rapid.T) {
				var tasks []task
				for range rapid.IntRange(1, 5).Draw(rt, "n") {
					next++
					tasks = append(tasks, task{next, queue.Priority(rapid.IntRange(-2, 3).Draw(rt, "priority"))})
				}
				n, err := d.PushMany(t.Context(), tasks)
				if (err == nil) != (n == len(tasks)) {
					rt.Fatalf("pushed %d of %d: %v", n, len(tasks), err)
				}
				for i, v := range tasks {
					if i < n {
						must[v.ID] = v
					} else {
						may[v.ID] = v
					}
				}
			},
			"pop": func(rt *rapid.T) {
				if d.Len() == 0 {
					rt.Skip("empty")
				}
				got, err := d.PopMany(t.Context(), rapid.IntRange(1, 9).Draw(rt, "n"))
				if err != nil {
					rt.Fatal(err)
				}
				popped = append(popped, got...)
			},
			"ack": func(rt *rapid.T) {
				if len(popped) == 0 {
					rt.Skip("nothing popped")
				}
				v := rapid.SampledFrom(popped).Draw(rt, "delivery")
				err := d.Ack(t.Context(), v, v)
				if _, waits := must[v.Item.ID]; err != nil && waits {
					may[v.Item.ID] = v.Item
				} else if err == nil {
					delete(may, v.Item.ID)
				}
				delete(must, v.Item.ID)
			},
			"restart": func(rt *rapid.T) {
				d, popped = open(t, s), nil
				got := map[int]bool{}
				popped = popAll(t, d)
				for i, v := range popped {
					_, known := must[v.Item.ID]
					if _, doubtful := may[v.Item.ID]; !known && !doubtful || got[v.Item.ID] {
						rt.Fatalf("%+v comes again", v.Item)
					}
					must[v.Item.ID] = v.Item // now in the store for certain
					got[v.Item.ID] = true
					if i > 0 && popped[i-1].Item.Pri < v.Item.Pri {
						rt.Fatalf("%+v after %+v", v.Item, popped[i-1].Item)
					}
				}
				for id := range must {
					if !got[id] {
						rt.Fatalf("item %d is lost", id)
					}
				}
				clear(may)
			},
		})
	})
}

func TestDurableOpenLooksAtLittleThatIsDone(t *testing.T) {
	s := newDisk()
	d := open(t, s)
	const n, left = 20_000, 10
	push(t, d, task{0, queue.PriorityLow}) // stuck behind all others
	for i := range n {
		push(t, d, task{1 + i, queue.PriorityHigh})
	}
	got, err := d.PopMany(t.Context(), n-left)
	if err != nil {
		t.Fatal(err)
	}
	for some := range slices.Chunk(got, 100) {
		if err := d.Ack(t.Context(), some...); err != nil {
			t.Fatal(err)
		}
	}
	s.visited = 0
	if d = open(t, s); d.Len() != left+1 {
		t.Errorf("%d items wait, not %d", d.Len(), left+1)
	}
	if s.visited > 500 {
		t.Errorf("looked at %d keys", s.visited)
	}
}

func TestDurableQueuesShareAStore(t *testing.T) {
	s := newDisk()
	for _, name := range []string{"a", "ab", "a/b"} {
		d, err := queue.Open(t.Context(), s, name, queue.Strict(task.Priority), queue.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if d.Len() != 0 {
			t.Errorf("queue %q begins with %d items", name, d.Len())
		}
		push(t, d, task{ID: 1})
	}
}

func TestDurableOpenRefuses(t *testing.T) {
	damaged := newDisk()
	push(t, open(t, damaged), task{ID: 1})
	for k, v := range damaged.pairs {
		if bytes.HasPrefix(v, []byte("{")) {
			damaged.pairs[k] = []byte("{")
		}
	}
	for name, c := range map[string]struct {
		store *disk
		name  string
		cfg   queue.Config
	}{
		"an empty name":    {newDisk(), "", queue.Config{}},
		"a name with NUL":  {newDisk(), "a\x00", queue.Config{}},
		"a bad config":     {newDisk(), "tasks", queue.Config{Capacity: -1}},
		"a damaged record": {damaged, "tasks", queue.Config{}},
	} {
		if _, err := queue.Open(t.Context(), c.store, c.name, queue.Strict(task.Priority), c.cfg); err == nil {
			t.Errorf("opened with %s", name)
		}
	}
}

func TestDurableStage(t *testing.T) {
	s := newDisk()
	push(t, open(t, s), task{1, queue.PriorityLow}, task{2, queue.PriorityLow})
	d := open(t, s)
	in, out, done := make(chan []task), make(chan []queue.Delivery[task]), make(chan error, 1)
	go func() { done <- d.Run(t.Context(), in, out) }()
	in <- []task{{3, queue.PriorityHigh}, {4, queue.PriorityLow}}
	close(in)
	var got []int
	for len(got) < 4 {
		deliveries := <-out
		got = append(got, numbers(deliveries)...)
		if err := d.Ack(t.Context(), deliveries...); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	slices.Sort(got)
	if !slices.Equal(got, []int{1, 2, 3, 4}) {
		t.Errorf("delivered %v", got)
	}
	if d = open(t, s); d.Len() != 0 {
		t.Errorf("%d items are left", d.Len())
	}
}

func TestDurableStageEndsWithTheStoresError(t *testing.T) {
	s := newDisk()
	d := open(t, s)
	s.fail = func() fault { return failsBefore }
	in, done := make(chan []task), make(chan error, 1)
	go func() { done <- d.Run(t.Context(), in, make(chan []queue.Delivery[task])) }()
	in <- []task{{ID: 1}}
	if err := <-done; !errors.Is(err, errDisk) {
		t.Errorf("ended with %v", err)
	}
}

func TestCancelledDurableStageKeepsItsItems(t *testing.T) {
	s := newDisk()
	d, err := queue.Open(t.Context(), s, "tasks", queue.Strict(task.Priority), queue.Config{Capacity: 1})
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	in, done := make(chan []task), make(chan error, 1)
	go func() { done <- d.Run(ctx, in, make(chan []queue.Delivery[task])) }()
	in <- []task{{ID: 1}}
	in <- []task{{ID: 2}} // full: it is stored, but the stage does not take it
	cancel(why)
	if err := <-done; !errors.Is(err, why) {
		t.Errorf("ended with %v", err)
	}
	stored := open(t, s).Len()
	if stored == 0 || d.Len() != stored {
		t.Errorf("%d items are in the queue, %d stored", d.Len(), stored)
	}
}
