package accumulator

import (
	"sync"
	"sync/atomic"
	"testing"
)

type thing struct {
	users atomic.Int32
	link  node[thing]
}

func newThing() *thing {
	t := new(thing)
	t.link.thing = t
	return t
}

func TestReturnsKeepsSoMany(t *testing.T) {
	r := freeList[thing]{most: 2}
	a, b, c := newThing(), newThing(), newThing()
	for _, v := range []*thing{a, b, c} {
		r.put(&v.link)
	}
	if got := r.get(); got != b {
		t.Error("the one that came last, and was still kept, did not go first")
	}
	r.put(&c.link)
	got := map[*thing]bool{r.get(): true, r.get(): true}
	if !got[a] || !got[c] {
		t.Error("the other two did not go")
	}
	if r.get() != nil {
		t.Error("there was one more")
	}
}

func TestWhatReturnsHasOneUserAtATime(t *testing.T) {
	const n, most = 20_000, 4
	r := freeList[thing]{most: most}
	used := make(chan *thing, most)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for v := range used {
				if v.users.Add(-1) != 0 {
					t.Error("two users at a time")
				}
				r.put(&v.link)
			}
		})
	}
	made := 0
	for range n {
		v := r.get()
		if v == nil {
			v = newThing()
			made++
		}
		if v.users.Add(1) != 1 {
			t.Fatal("two users at a time")
		}
		used <- v
	}
	close(used)
	wg.Wait()
	if left := len(drain(&r)); left > most || made < left {
		t.Errorf("%d are left of %d, at most %d should be kept", left, made, most)
	}
	if c := r.count.Load(); c != 0 {
		t.Errorf("%d are counted when none is left", c)
	}
}

func drain(r *freeList[thing]) map[*thing]bool {
	all := map[*thing]bool{}
	for v := r.get(); v != nil; v = r.get() {
		all[v] = true
	}
	return all
}
