package intent_test

import "testing"

// defect is a mistake in the way in which the protocol is driven.
type defect int

const (
	none defect = iota
	sendAgain
	sendBeforeSending
	storeBeforeJournal
	journalBeforeBale
	recordBeforeDelivery
	endApart
	neverTakeBack
	neverSweep
	ignoreCandidates
	trustClock
	adoptEnded
	neverProve
	missingNeverRan
	givenUpNeverRuns
	foreignClass
	trustWallClock
	lookAheadOnly
	lookOnce
)

// The simulation is worth what it notices.
func TestSimulationNoticesDefects(t *testing.T) {
	needsNoDetector(t)
	for name, d := range map[string]defect{
		"an unclear creation is sent again at once":        sendAgain,
		"a creation leaves before that is durable":         sendBeforeSending,
		"the store is ahead of the journal":                storeBeforeJournal,
		"the journal is ahead of the rows":                 journalBeforeBale,
		"results are recorded before they are handed on":   recordBeforeDelivery,
		"progress and the end of the queue are apart":      endApart,
		"the journal is not told what was cut off":         neverTakeBack,
		"nobody looks for batches that came late":          neverSweep,
		"batches that run are not thought to be ours":      ignoreCandidates,
		"the provider's clock is taken for ours":           trustClock,
		"whatever has ended is taken for ours":             adoptEnded,
		"what was adopted unproven is not proven":          neverProve,
		"results that are late are of rows that never ran": missingNeverRan,
		"what has not ended in time is taken not to run":   givenUpNeverRuns,
		"what ends the run is taken for the answer":        foreignClass,
		"our own clock is believed after a restart":        trustWallClock,
		"batches are asked for from when ours was sent":    lookAheadOnly,
		"one look in vain is enough":                       lookOnce,
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
