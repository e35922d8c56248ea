package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// Not parallel, as it is about the process.
func TestAProxyIsFrugalWhileItRuns(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	stop := beFrugal()
	during := debug.SetGCPercent(frugalPercent)
	stop()
	if after := debug.SetGCPercent(100); during != frugalPercent || after != 100 {
		t.Errorf("%d while it runs, and %d later", during, after)
	}
	waste := make([]byte, 4*frugalLeast)
	runtime.KeepAlive(waste)
	if got := unused(); got < frugalLeast {
		runtime.GC() // it was live at the last collection
		if got = unused(); got < frugalLeast {
			t.Errorf("%d bytes are unused", got)
		}
	}
}
