package durable

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
)

// enterAll lets n creations wait in a lane, one after the other, and returns a
// channel that gets their numbers as they pass.
func enterAll(t *testing.T, l *creationLane, n int) <-chan int {
	t.Helper()
	passed := make(chan int, n)
	for i := range n {
		go func() {
			if _, err := l.enter(t.Context()); err != nil {
				t.Error(err)
			}
			passed <- i
		}()
		synctest.Wait()
	}
	return passed
}

// A lane opens by one with each batch that is taken, as far as its bound, and
// closes when one is not. Those that wait keep their order.
func TestALaneOpensWithWhatIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c creations
		l := c.lane(intent.Intent{Route: 1}, sink.Info{Tags: sink.TagMetadata})
		passed := enterAll(t, l, 40)
		done := 0
		want := func(most int) {
			t.Helper()
			synctest.Wait()
			if under := len(passed) - done; under != most {
				t.Fatalf("%d are under way, want %d", under, most)
			}
		}
		want(1)
		for most := 2; most <= mostCreations+3; most++ {
			l.taken(0)
			synctest.Wait()
			l.leave()
			done++
			want(min(most, mostCreations))
		}
		l.denied()
		for left := mostCreations - 1; left > 0; left-- {
			l.taken(0) // which was under way by then
			l.leave()
			done++
			want(left)
		}
		l.leave() // says nothing about the provider
		done++
		want(1)
		l.taken(1)
		want(2)
		for i := range len(passed) {
			if n := <-passed; n != i {
				t.Fatalf("number %d passed as number %d", n, i)
			}
		}
		for range 40 - done {
			l.leave()
		}
		synctest.Wait()
	})
}

// One that waits in vain takes no place.
func TestALaneForgetsWhoNoLongerWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(creations).lane(intent.Intent{}, sink.Info{Tags: sink.TagName})
		if _, err := l.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		for range 3 {
			go func() {
				if _, err := l.enter(ctx); err == nil { // it may be its turn as it stops
					l.leave()
				}
			}()
		}
		synctest.Wait()
		stop()
		l.leave()
		synctest.Wait()
		if _, err := l.enter(t.Context()); err != nil || len(l.waiting) != 0 || l.under != 1 {
			t.Errorf("%v; %d wait, %d are under way", err, len(l.waiting), l.under)
		}
	})
}

// What can be found only by its size and time is created alone, on whatever
// route. A batch of this machine does not wait.
func TestLanesAreThoseOfRoutesThatKeepTags(t *testing.T) {
	var c creations
	in := func(route int) intent.Intent { return intent.Intent{Route: route} }
	tagged := sink.Info{Tags: sink.TagMetadata}
	if a, b := c.lane(in(1), tagged), c.lane(in(2), tagged); a == b || a != c.lane(in(1), tagged) {
		t.Error("two routes share a lane, or one has two")
	}
	for _, info := range []sink.Info{{}, {Tags: sink.TagNone}} {
		l := c.lane(in(1), info)
		if l != c.lane(in(2), info) {
			t.Errorf("%q: two routes have lanes of their own", info.Tags)
		}
		if l.taken(0); l.most != 1 {
			t.Errorf("%q: %d at once", info.Tags, l.most)
		}
	}
	if c.lane(in(1), sink.Info{Live: true}) != nil {
		t.Error("a batch of this machine waits")
	}
}
