package liveview

import (
	"testing"
	"time"
)

// watch adds a reading a second for so long. The rows that are answered follow
// from the second.
func watch(h *history, from, seconds int, answered func(second int) int) {
	for s := from; s < from+seconds; s++ {
		h.add(reading{time.Unix(int64(s), 0), answered(s)})
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	steady := func(s int) int { return 10 * s }
	tests := map[string]struct {
		readings  func(*history)
		remaining int
		estimate  bool
	}{
		"steady":            {func(h *history) { watch(h, 0, 100, steady) }, 1000, true},
		"done":              {func(h *history) { watch(h, 0, 100, steady) }, 0, false},
		"just begun":        {func(h *history) { watch(h, 0, 10, steady) }, 1000, false},
		"hardly begun":      {func(h *history) { watch(h, 0, 100, steady) }, 1_000_000, false},
		"nothing":           {func(h *history) { watch(h, 0, 100, func(int) int { return 7 }) }, 1000, false},
		"one batch at once": {func(h *history) { watch(h, 0, 100, func(s int) int { return s / 60 * 500 }) }, 500, false},
		"batches at once":   {func(h *history) { watch(h, 0, 1000, func(s int) int { return s / 60 * 500 }) }, 500, true},
		"stalled": {func(h *history) {
			watch(h, 0, 100, steady)
			watch(h, 100, 60, func(int) int { return 1000 })
		}, 1000, false},
		"ever slower": {func(h *history) {
			watch(h, 0, 100, func(s int) int { return 1000 * s })
			watch(h, 100, 100, func(s int) int { return 100_000 + s })
		}, 1000, false},
		"long": {func(h *history) { watch(h, 0, 20_000, steady) }, 100_000, true},
	}
	for name, tt := range tests {
		var h history
		tt.readings(&h)
		p := h.pace(tt.remaining)
		if got := p.Latest > 0; got != tt.estimate || p.Soonest > p.Latest {
			t.Errorf("%s: %+v", name, p)
		}
		if len(h.readings) > mostReadings {
			t.Errorf("%s: %d readings are kept", name, len(h.readings))
		}
	}
}

// An estimate is what follows from the rates, lately and on the whole.
func TestPaceBoundsTheEnd(t *testing.T) {
	t.Parallel()
	var h history
	watch(&h, 0, 201, func(s int) int { return 10 * s })
	watch(&h, 201, 100, func(s int) int { return 2000 + 20*(s-200) })
	p := h.pace(12_000)
	if p.PerMinute != 1200 || p.Soonest != 10*time.Minute || p.Latest != 15*time.Minute || p.Still != 0 {
		t.Errorf("%+v", p)
	}
}

// Readings are thinned out, but the first and the last stay.
func TestHistoryKeepsFirstAndLast(t *testing.T) {
	t.Parallel()
	var h history
	watch(&h, 0, 5000, func(s int) int { return s })
	if first, last := h.readings[0], h.readings[len(h.readings)-1]; first.answered != 0 || last.answered != 4999 {
		t.Errorf("first %+v, last %+v", first, last)
	}
	for i := range h.readings[1:] {
		if !h.readings[i+1].at.After(h.readings[i].at) {
			t.Fatalf("reading %d is not after the one before", i+1)
		}
	}
}
