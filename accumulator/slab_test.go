package accumulator

import (
	"reflect"
	"sync"
	"testing"
	"time"
)

func TestOnlyWhatHasPointersIsCleared(t *testing.T) {
	type flat struct {
		_ [3]float64
		_ bool
	}
	type linked struct {
		_ flat
		_ [2]struct{ s string }
	}
	for _, tc := range []struct {
		t    reflect.Type
		want bool
	}{
		{reflect.TypeFor[int](), false},
		{reflect.TypeFor[uintptr](), false},
		{reflect.TypeFor[complex128](), false},
		{reflect.TypeFor[flat](), false},
		{reflect.TypeFor[[0]string](), false},
		{reflect.TypeFor[string](), true},
		{reflect.TypeFor[[]int](), true},
		{reflect.TypeFor[any](), true},
		{reflect.TypeFor[func()](), true},
		{reflect.TypeFor[linked](), true},
		{reflect.TypeFor[*flat](), true},
		{reflect.TypeFor[map[int]int](), true},
		{reflect.TypeFor[chan int](), true},
	} {
		if got := hasPointers(tc.t); got != tc.want {
			t.Errorf("%v has pointers: %t, want %t", tc.t, got, tc.want)
		}
	}
}

func TestReleaseForgetsWhatTheItemsPointTo(t *testing.T) {
	buf, err := NewBuffer[*int](Config{MaxItems: 2})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		buf.Add(new(int), 0, time.Time{})
	}
	batch, _ := buf.Flush(time.Time{})
	memory := batch.Items
	batch.Release()
	if memory[0] != nil || memory[1] != nil {
		t.Error("released memory keeps items alive")
	}
}

func TestAPoolKeepsSoMany(t *testing.T) {
	const most = 2
	p := newPool[int](limits{items: 4}, false, most)
	var all []*slab[int]
	for range most + 1 {
		all = append(all, p.get())
	}
	for _, s := range all {
		s.release(s.use)
	}
	kept := map[*slab[int]]bool{p.get(): true, p.get(): true}
	if !kept[all[0]] || !kept[all[1]] {
		t.Errorf("the first %d were not kept", most)
	}
	if kept[p.get()] || p.ready != nil {
		t.Error("there was one more")
	}
}

func TestASlabHasOneUserAtATime(t *testing.T) {
	const n, most = 20_000, 4
	p := newPool[int](limits{items: 1}, false, most)
	full := make(chan *slab[int], most)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for s := range full {
				use := s.use
				if s.batch.Items[0]--; s.batch.Items[0] != 0 {
					t.Error("two users at a time")
				}
				s.release(use)
				s.release(use) // does nothing, whoever has it now
			}
		})
	}
	for range n {
		s := p.get()
		s.batch.Items = append(s.batch.Items[:0], 1)
		full <- s
	}
	close(full)
	wg.Wait()
}
