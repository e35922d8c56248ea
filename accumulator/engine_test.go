package accumulator

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestTheClockOfAnEngineIsRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var e engine[int]
		for _, pause := range []time.Duration{0, time.Millisecond, 999 * time.Millisecond, time.Hour, time.Nanosecond} {
			time.Sleep(pause)
			e.begin()
			if got := e.now(); got != time.Now() {
				t.Errorf("after another %v it is %v, want %v", pause, got, time.Now())
			}
			if got := e.now().Sub(e.clockBase); got >= time.Second {
				t.Errorf("the wall clock was not read for %v", got)
			}
		}
	})
}
