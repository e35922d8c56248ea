package intent_test

import (
	"cmp"
	"flag"
	"testing"
)

var (
	runs = flag.Int("intent.runs", 2000, "number of simulated runs")
	seed = flag.Uint64("intent.seed", 0, "simulate the run of this seed alone")
)

// Runs of random length in random weather, with crashes at random places.
// -intent.seed replays one that failed.
func TestSimulation(t *testing.T) {
	if *seed != 0 {
		w := newWorld(*seed)
		t.Logf("%+v", w.weather)
		if err := w.run(); err != nil {
			t.Error(err)
		}
		t.Logf("%+v", w.stats)
		return
	}
	var total stats
	for n := range uint64(*runs) {
		w := newWorld(n + 1)
		if err := w.run(); err != nil {
			t.Fatalf("%v\nreplay it with: go test ./internal/intent -run TestSimulation -intent.seed=%d", err, n+1)
		}
		total.add(w.stats)
	}
	t.Logf("%+v", total)
	if total.surplus == 0 || total.crashes == 0 || total.redelivered == 0 {
		t.Error("the simulated world is too kind to show anything")
	}
}

// A seed says all that happens.
func TestSeedsReplay(t *testing.T) {
	for n := range uint64(50) {
		one, two := newWorld(n), newWorld(n)
		if err := cmp.Or(one.run(), two.run()); err != nil {
			t.Fatal(err)
		}
		if one.stats != two.stats || !one.now.Equal(two.now) {
			t.Errorf("seed %d: %+v and then %+v", n, one.stats, two.stats)
		}
	}
}

// A run of two batches in which nothing else goes wrong dies at every place
// once, and at every two places of one run.
func TestCrashAtEveryPoint(t *testing.T) {
	undisturbed := calm()
	if err := undisturbed.run(); err != nil {
		t.Fatal(err)
	}
	for k := 1; k <= undisturbed.points; k++ {
		once := calm(k)
		if err := once.run(); err != nil || once.stats.crashes != 1 {
			t.Fatalf("died at %d, %d times: %v", k, once.stats.crashes, err)
		}
		for l := k + 1; l <= once.points; l++ {
			if err := calm(k, l).run(); err != nil {
				t.Fatalf("died at %d and %d: %v", k, l, err)
			}
		}
	}
	t.Logf("%d places", undisturbed.points)
}

// defect is a mistake in the order in which the protocol is driven.
type defect int

const (
	none defect = iota
	sendAgain
	sendBeforeSending
	storeBeforeJournal
	claimBeforeJournal
	recordBeforeDelivery
	progressApart
	neverSweep
)

// The simulation is worth what it notices.
func TestSimulationNoticesDefects(t *testing.T) {
	for name, d := range map[string]defect{
		"an unclear creation is sent again at once":      sendAgain,
		"a creation leaves before that is durable":       sendBeforeSending,
		"the store is ahead of the journal":              storeBeforeJournal,
		"rows are claimed by nobody known":               claimBeforeJournal,
		"results are recorded before they are handed on": recordBeforeDelivery,
		"rows and progress are recorded apart":           progressApart,
		"nobody looks for batches that came late":        neverSweep,
	} {
		t.Run(name, func(t *testing.T) {
			for n := range uint64(2000) {
				w := newWorld(n + 1)
				w.defect = d
				if err := w.run(); err != nil {
					t.Logf("seed %d: %v", n+1, err)
					return
				}
			}
			t.Error("not noticed in 2000 runs")
		})
	}
}
