package main

import (
	"os"
	"runtime/debug"
	memory "runtime/metrics"
	"time"
)

// A proxy holds thousands of calls for hours, in which it does next to nothing.
// So it collects garbage earlier than other programs, and gives back what a
// rush of calls has taken.
const (
	frugalPercent = 50 // of what is in use may be garbage, see debug.SetGCPercent
	frugalEvery   = 10 * time.Second
	frugalLeast   = 4 << 20 // bytes that are worth a collection
)

// beFrugal saves memory until stop is called. GOGC, if it is set, stays as it
// is.
func beFrugal() (stop func()) {
	before := 0
	if os.Getenv("GOGC") == "" {
		before = debug.SetGCPercent(frugalPercent)
	}
	tick, ended := time.NewTicker(frugalEvery), make(chan struct{})
	go func() {
		for {
			select {
			case <-tick.C:
				if unused() > frugalLeast {
					debug.FreeOSMemory()
				}
			case <-ended:
				return
			}
		}
	}()
	return func() {
		tick.Stop()
		close(ended)
		if before != 0 {
			debug.SetGCPercent(before)
		}
	}
}

// unused is how much memory the process has that nothing is in, as far as the
// last collection tells.
func unused() uint64 {
	all := []memory.Sample{{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}}
	memory.Read(all)
	free, objects, live := all[0].Value.Uint64(), all[1].Value.Uint64(), all[2].Value.Uint64()
	return free + objects - min(live, objects)
}
