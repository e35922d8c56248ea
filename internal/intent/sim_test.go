package intent_test

import (
	"cmp"
	"flag"
	"maps"
	"slices"
	"testing"
)

var (
	runs = flag.Int("intent.runs", 2000, "number of simulated runs")
	seed = flag.Uint64("intent.seed", 0, "simulate the run of this seed alone")
)

// stats count what has happened.
type stats map[string]int

func (s stats) add(o stats) {
	for what, n := range o {
		s[what] += n
	}
}

// Runs of random length in random weather, with crashes at random places.
// -intent.seed replays one that failed.
func TestSimulation(t *testing.T) {
	if *seed != 0 {
		w := newWorld(*seed)
		t.Logf("%+v", w.weather)
		if err := w.run(); err != nil {
			t.Error(err)
		}
		t.Log(w.stats)
		return
	}
	all, byKind := make(stats), make(map[string]stats)
	for _, k := range kinds {
		byKind[k.name] = make(stats)
	}
	number := *runs
	if testing.Short() {
		number /= 4 // the race detector, which finds nothing in one goroutine, makes each take long
	}
	for n := range uint64(number) {
		w := newWorld(n + 1)
		if err := w.run(); err != nil {
			t.Fatalf("%v\nreplay it with: go test ./internal/intent -run TestSimulation -intent.seed=%d", err, n+1)
		}
		all.add(w.stats)
		byKind[w.name].add(w.stats)
	}
	for _, name := range slices.Sorted(maps.Keys(byKind)) {
		t.Logf("%-14s %v", name, byKind[name])
	}
	for _, what := range []string{"crashes", "losses", "redelivered", "held", "early", "disowned", "given up", "surplus", "suspects", "put off", "not ended", "ends", "jumps", "repeated", "abandoned"} {
		if all[what] == 0 {
			t.Errorf("the simulated world is too kind to show anything about %q", what)
		}
	}
}

// A seed says all that happens.
func TestSeedsReplay(t *testing.T) {
	for n := range uint64(50) {
		one, two := newWorld(n), newWorld(n)
		if err := cmp.Or(one.run(), two.run()); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(one.stats, two.stats) || !one.now.Equal(two.now) {
			t.Errorf("seed %d: %+v and then %+v", n, one.stats, two.stats)
		}
	}
}

// A run of two batches in which nothing else goes wrong dies at every place
// once, and at every two places of one run.
func TestCrashAtEveryPoint(t *testing.T) {
	needsNoDetector(t)
	places := crashes(t, func(at ...int) *world { return calm(tagged, at...) }, func(k, last int) {
		for l := k + 1; l <= last; l++ {
			if err := calm(tagged, k, l).run(); err != nil {
				t.Fatalf("died at %d and %d: %v", k, l, err)
			}
		}
	})
	t.Logf("%d places", places)
}

// So does, once, a run in which no creation is answered and only the rows of
// an ended batch say whose it is.
func TestCrashAtEveryPointOfADoubt(t *testing.T) {
	needsNoDetector(t)
	for _, k := range kinds {
		places := crashes(t, func(at ...int) *world {
			w := calm(k, at...)
			w.replies.lost = 1
			return w
		}, func(int, int) {})
		t.Logf("%s: %d places", k.name, places)
	}
}

// So does one in which a person abandons each batch in doubt, often one that
// was bought.
func TestCrashAtEveryPointOfAnAbandonedBatch(t *testing.T) {
	needsNoDetector(t)
	for _, k := range kinds {
		crashes(t, func(at ...int) *world {
			w := calm(k, at...)
			w.replies.lost, w.abandons = 0.5, 1
			return w
		}, func(int, int) {})
	}
}

// Another call ends a run at every place of every call, before and after the
// provider has heard of it: with replies, and with none.
func TestEndAtEveryCall(t *testing.T) {
	needsNoDetector(t)
	for _, k := range kinds {
		for _, lost := range []float64{0, 1} {
			world := func(at int) *world {
				w := calm(k)
				w.replies.lost, w.endAt = lost, at
				return w
			}
			undisturbed := world(0)
			if err := undisturbed.run(); err != nil {
				t.Fatal(err)
			}
			for n := range undisturbed.calls {
				w := world(n + 1)
				if err := w.run(); err != nil || w.stats["ends"] != 1 {
					t.Fatalf("%s: ended at %d, %d times: %v", k.name, n+1, w.stats["ends"], err)
				}
			}
		}
	}
}

// needsNoDetector leaves a test out of short runs, which are for the race
// detector: it finds nothing in one goroutine, and makes each run take long.
func needsNoDetector(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("one goroutine, thousands of runs")
	}
}

// crashes runs worlds that die at each of their places, of which it returns the
// number; then is told of each place and the last one of that run.
func crashes(t *testing.T, world func(at ...int) *world, then func(k, last int)) int {
	t.Helper()
	undisturbed := world()
	if err := undisturbed.run(); err != nil {
		t.Fatal(err)
	}
	for k := 1; k <= undisturbed.points; k++ {
		once := world(k)
		if err := once.run(); err != nil || once.stats["crashes"] != 1 {
			t.Fatalf("died at %d, %d times: %v", k, once.stats["crashes"], err)
		}
		then(k, once.points)
	}
	return undisturbed.points
}
