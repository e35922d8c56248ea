package accumulator

import (
	"testing"
	"testing/synctest"
)

func TestAHandoverKeepsTheOrder(t *testing.T) {
	h := newHandover[int]()
	for range 2 { // it is empty in between
		slabs := []*slab[int]{new(slab[int]), new(slab[int]), new(slab[int])}
		for i, s := range slabs {
			if n := h.push(s); n != h.undelivered || n < i+1 {
				t.Errorf("%d are undelivered after %d", n, i+1)
			}
		}
		for i, want := range slabs {
			if h.tryNext() != want {
				t.Errorf("number %d came in another place", i)
			}
		}
		if h.tryNext() != nil {
			t.Error("there was one more")
		}
	}
}

func TestAConsumerIsWokenByABatchAndByTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHandover[int]()
		got := make(chan *slab[int], 2)
		for range 2 {
			go func() {
				h.mu.Lock()
				defer h.mu.Unlock()
				got <- h.wait()
			}()
		}
		synctest.Wait()
		s := new(slab[int])
		h.push(s)
		if <-got != s {
			t.Error("another batch came")
		}
		h.stop()
		if <-got != nil {
			t.Error("there was one more")
		}
		h.push(s)
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.wait() != nil {
			t.Error("a batch was handed over after the end")
		}
	})
}
