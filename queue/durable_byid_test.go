package queue_test

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/balerhq/baler/queue"
)

// job is a stored item with an id.
type job struct {
	Name string
	N    int // order of arrival
	Pri  queue.Priority
	Note string
}

func (j job) ID() string               { return j.Name }
func (j job) Priority() queue.Priority { return j.Pri }

func openJobs(s queue.Store) (*queue.Durable[job], error) {
	return queue.OpenIndexed(context.Background(), s, "jobs", job.ID, queue.Strict(job.Priority), queue.Config{})
}

func mustOpenJobs(t *testing.T, s queue.Store, jobs ...job) *queue.Durable[job] {
	t.Helper()
	d, err := openJobs(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.PushMany(t.Context(), jobs); err != nil {
		t.Fatal(err)
	}
	return d
}

// fate is what may be stored under an id.
type fate struct {
	may    []job // one of these
	gone   bool  // or nothing
	doubts []job // or, if nothing, one of the pushes that failed
}

func (f *fate) allows(v job) bool {
	return slices.Contains(f.may, v) || f.gone && slices.Contains(f.doubts, v)
}

// jobs does the same to a queue on a store that fails now and then and to a
// list.
type jobs struct {
	t       *testing.T
	store   *disk
	d       *queue.Durable[job]
	waiting []job
	popped  map[string]queue.Delivery[job]
	fates   map[string]*fate
	pushes  int
}

func TestIndexedDurableAgreesWithModelThroughCrashes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &jobs{t: t, store: newDisk(), popped: map[string]queue.Delivery[job]{}, fates: map[string]*fate{}}
		m.d = mustOpenJobs(t, m.store)
		faults := rapid.SampledFrom([]fault{works, works, works, works, failsBefore, failsAfter})
		m.store.fail = func() fault { return faults.Draw(rt, "fault") }
		rt.Repeat(map[string]func(*rapid.T){
			"push": m.push, "pop": m.pop, "ack": m.ack, "remove": m.remove, "update": m.update,
			"restart": m.restart, "": m.check,
		})
	})
}

func (m *jobs) name(rt *rapid.T) string { return strconv.Itoa(rapid.IntRange(1, 12).Draw(rt, "name")) }

func (m *jobs) find(name string) int {
	return slices.IndexFunc(m.waiting, func(v job) bool { return v.Name == name })
}

func priority(rt *rapid.T) queue.Priority {
	return queue.Priority(rapid.IntRange(-2, 3).Draw(rt, "priority"))
}

func (m *jobs) push(rt *rapid.T) {
	m.pushes++
	v := job{Name: m.name(rt), N: m.pushes, Pri: priority(rt)}
	err := m.d.Push(m.t.Context(), v)
	_, popped := m.popped[v.Name]
	if taken := popped || m.find(v.Name) >= 0; taken != errors.Is(err, queue.ErrDuplicate) {
		rt.Fatalf("push of an id that is taken: %t: %v", taken, err)
	} else if taken {
		return
	}
	f := m.fates[v.Name]
	if f == nil {
		f = &fate{gone: true}
		m.fates[v.Name] = f
	}
	if err != nil {
		f.doubts = append(f.doubts, f.may...)
		f.may, f.doubts = nil, append(f.doubts, v)
		return
	}
	f.doubts = append(f.doubts, f.may...)
	f.may, f.gone = []job{v}, false
	m.waiting = append(m.waiting, v)
	m.sort()
}

func (m *jobs) sort() {
	slices.SortFunc(m.waiting, func(a, b job) int { return cmp.Or(cmp.Compare(b.Pri, a.Pri), cmp.Compare(a.N, b.N)) })
}

func (m *jobs) pop(rt *rapid.T) {
	if len(m.waiting) == 0 {
		rt.Skip("empty")
	}
	v, err := m.d.Pop(m.t.Context())
	if err != nil || v.Item != m.waiting[0] {
		rt.Fatalf("popped %+v, %v, not %+v", v.Item, err, m.waiting[0])
	}
	m.waiting = m.waiting[1:]
	m.popped[v.Item.Name] = v
}

func (m *jobs) ack(rt *rapid.T) {
	name := m.name(rt)
	v, ok := m.popped[name]
	if !ok {
		rt.Skip("not popped")
	}
	m.fates[name].gone = true
	if m.d.Ack(m.t.Context(), v, v) == nil {
		m.fates[name].may = nil
		delete(m.popped, name)
	}
}

func (m *jobs) remove(rt *rapid.T) {
	name := m.name(rt)
	i := m.find(name)
	v, err := m.d.Remove(m.t.Context(), name)
	if notFound := errors.Is(err, queue.ErrNotFound); notFound != (i < 0) {
		rt.Fatalf("removed %+v, %v; position %d", v, err, i)
	} else if notFound {
		return
	}
	m.fates[name].gone = true
	if err == nil {
		if v != m.waiting[i] {
			rt.Fatalf("removed %+v, not %+v", v, m.waiting[i])
		}
		m.fates[name].may = nil
		m.waiting = slices.Delete(m.waiting, i, i+1)
	}
}

func (m *jobs) update(rt *rapid.T) {
	name, pri := m.name(rt), priority(rt)
	i := m.find(name)
	var v job
	err := m.d.Update(m.t.Context(), name, func(old job) job {
		v = old
		v.Pri, v.Note = pri, v.Note+"."
		return v
	})
	if notFound := errors.Is(err, queue.ErrNotFound); notFound != (i < 0) {
		rt.Fatalf("update: %v; position %d", err, i)
	} else if notFound {
		return
	}
	f := m.fates[name]
	if err != nil {
		f.may = append(f.may, v)
		return
	}
	f.may = []job{v}
	m.waiting[i] = v
	m.sort()
}

func (m *jobs) restart(rt *rapid.T) {
	var err error
	for m.d, err = openJobs(m.store); err != nil; m.d, err = openJobs(m.store) {
		if !errors.Is(err, errDisk) {
			rt.Fatal(err)
		}
	}
	m.waiting = nil
	clear(m.popped)
	if n := m.d.Len(); n > 0 {
		got, err := m.d.PopMany(m.t.Context(), n)
		if err != nil {
			rt.Fatal(err)
		}
		for _, v := range got {
			if f := m.fates[v.Item.Name]; f == nil || !f.allows(v.Item) {
				rt.Fatalf("%+v comes again, want %+v", v.Item, f)
			}
			m.popped[v.Item.Name] = v
		}
	}
	for name, f := range m.fates {
		v, stored := m.popped[name]
		if !stored && !f.gone {
			rt.Fatalf("job %s is lost, want %+v", name, f)
		}
		*f = fate{gone: !stored}
		if stored {
			f.may = []job{v.Item}
		}
	}
}

func (m *jobs) check(rt *rapid.T) {
	for i, v := range m.waiting {
		if n, err := m.d.Position(v.Name); n != i || err != nil {
			rt.Fatalf("position of %+v: %d, %v; want %d", v, n, err, i)
		}
	}
	for name := range maps.Keys(m.popped) {
		if _, err := m.d.Position(name); !errors.Is(err, queue.ErrNotFound) {
			rt.Fatalf("position of a popped job: %v", err)
		}
	}
}

func TestDurableChangesSurviveRestart(t *testing.T) {
	s := newDisk()
	d := mustOpenJobs(t, s, job{Name: "a"}, job{Name: "b"}, job{Name: "c"}, job{Name: "d"})
	if _, err := d.Remove(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if err := d.Update(t.Context(), "d", func(v job) job { v.Pri = queue.PriorityCritical; return v }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for want, name := range []string{"d", "a", "c"} {
			if n, err := d.Position(name); n != want || err != nil {
				t.Errorf("%s is at %d, not %d: %v", name, n, want, err)
			}
		}
		if _, err := d.Position("b"); !errors.Is(err, queue.ErrNotFound) {
			t.Errorf("removed, but: %v", err)
		}
		d = mustOpenJobs(t, s)
	}
}

func TestDurableUpdateKeepsTheID(t *testing.T) {
	s := newDisk()
	d := mustOpenJobs(t, s, job{Name: "a", Note: "old"})
	err := d.Update(t.Context(), "a", func(job) job { return job{Name: "b"} })
	if err == nil || d.Len() != 1 {
		t.Errorf("renamed: %v, %d items", err, d.Len())
	}
	for range 2 {
		v, err := d.Remove(t.Context(), "a")
		if v.Note != "old" || err != nil {
			t.Fatalf("removed %+v, %v", v, err)
		}
		d = mustOpenJobs(t, s, job{Name: "a", Note: "old"})
	}
}

func TestUnindexedDurableSaysSo(t *testing.T) {
	d := open(t, newDisk())
	_, err := d.Remove(t.Context(), "a")
	for op, err := range map[string]error{"Remove": err, "Update": d.Update(t.Context(), "a", nil)} {
		if err == nil || errors.Is(err, queue.ErrNotFound) {
			t.Errorf("%s without an index: %v", op, err)
		}
	}
}

// slowDisk takes a second for each commit.
type slowDisk struct{ *disk }

func (s slowDisk) Commit(ctx context.Context, keys, values [][]byte) error {
	time.Sleep(time.Second)
	return s.disk.Commit(ctx, keys, values)
}

// While a change is being stored, nobody gets the item, its id stays taken, and
// who asks for its position waits.
func TestDurableItemIsHeldWhileItsChangeIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := mustOpenJobs(t, slowDisk{newDisk()}, job{Name: "a"}, job{Name: "b"})
		var updated sync.WaitGroup
		updated.Go(func() {
			if err := d.Update(t.Context(), "a", func(v job) job { v.Note = "new"; return v }); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if err := d.Push(t.Context(), job{Name: "a"}); !errors.Is(err, queue.ErrDuplicate) {
			t.Errorf("pushed the id of a held item: %v", err)
		}
		if n := d.Len(); n != 2 {
			t.Errorf("%d items wait, not 2", n)
		}
		if v, err := d.Pop(t.Context()); v.Item.Name != "b" || err != nil {
			t.Errorf("popped %+v, %v", v.Item, err)
		}
		start := time.Now()
		if n, err := d.Position("a"); n != 0 || err != nil || time.Since(start) != time.Second {
			t.Errorf("position %d, %v after %v", n, err, time.Since(start))
		}
		updated.Wait()
		if v, err := d.Pop(t.Context()); v.Item.Note != "new" || err != nil {
			t.Errorf("popped %+v, %v", v.Item, err)
		}
	})
}

// An indexed stage: an id is taken from before its item is stored until it is
// acknowledged, also if the receiver changes what it got.
func TestIndexedDurableStage(t *testing.T) {
	s := newDisk()
	d := mustOpenJobs(t, s)
	in, out, done := make(chan []job), make(chan []queue.Delivery[job]), make(chan error, 1)
	go func() { done <- d.Run(t.Context(), in, out) }()
	for round := range 3 {
		in <- []job{{Name: "a", N: round}}
		got := <-out
		if err := d.Push(t.Context(), job{Name: "a"}); !errors.Is(err, queue.ErrDuplicate) {
			t.Errorf("pushed what is not acknowledged: %v", err)
		}
		got[0].Item = job{}
		if err := d.Ack(t.Context(), got...); err != nil {
			t.Fatal(err)
		}
	}
	in <- []job{{Name: "b"}, {Name: "b"}}
	if err := <-done; !errors.Is(err, queue.ErrDuplicate) {
		t.Errorf("ended with %v", err)
	}
	if d := mustOpenJobs(t, s); d.Len() != 1 {
		t.Errorf("%d items are stored, not 1", d.Len())
	}
}

// limited refuses commits that are larger than a Durable promises.
type limited struct {
	*disk
	commits int
}

func (l *limited) Commit(ctx context.Context, keys, values [][]byte) error {
	bytes := 0
	for i := range keys {
		bytes += len(keys[i]) + len(values[i]) + 16
	}
	if len(keys) > 2048 || bytes > 512<<10 && len(keys) > 1 {
		return errors.New("too large")
	}
	l.commits++
	return l.disk.Commit(ctx, keys, values)
}

func TestDurableCutsItsCommits(t *testing.T) {
	long := strings.Repeat("n", 480)
	for name, c := range map[string]struct {
		queue                        string
		items, note, levels, commits int
	}{
		"many":        {"jobs", 3000, 0, 1, 3},
		"heavy":       {"jobs", 500, 4000, 1, 4},
		"one by one":  {"jobs", 3, 600_000, 1, 3},
		"long keys":   {long, 3000, 0, 1, 4},
		"many levels": {long, 1200, 0, 40, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := &limited{disk: newDisk()}
			open := func() *queue.Durable[job] {
				d, err := queue.OpenIndexed(t.Context(), s, c.queue, job.ID, queue.Strict(job.Priority), queue.Config{})
				if err != nil {
					t.Fatal(err)
				}
				return d
			}
			jobs := make([]job, c.items)
			for i := range jobs {
				jobs[i] = job{Name: strconv.Itoa(i), Note: strings.Repeat("x", c.note), Pri: queue.Priority(i % c.levels)}
			}
			d := open()
			if n, err := d.PushMany(t.Context(), jobs); n != c.items || err != nil {
				t.Fatalf("pushed %d of %d: %v", n, c.items, err)
			}
			if got := s.commits; got < c.commits || got > 2*c.commits+2 { // and those of levels and numbers
				t.Errorf("%d commits, want %d", got, c.commits)
			}
			d = open()
			got, err := d.PopMany(t.Context(), c.items)
			if len(got) != c.items || err != nil {
				t.Fatalf("%d of %d came back: %v", len(got), c.items, err)
			}
			if err := d.Ack(t.Context(), got...); err != nil {
				t.Error(err)
			}
			if left := open().Len(); left != 0 {
				t.Errorf("%d items are left", left)
			}
		})
	}
}
