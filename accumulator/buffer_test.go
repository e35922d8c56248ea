package accumulator_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/balerhq/baler/accumulator"
)

func newBuffer(t *testing.T, cfg accumulator.Config) *accumulator.Buffer[int] {
	t.Helper()
	buf, err := accumulator.NewBuffer[int](cfg)
	if err != nil {
		t.Fatal(err)
	}
	return buf
}

func TestABufferSaysWhyItIsFlushed(t *testing.T) {
	t0 := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	type put struct {
		weight int
		after  time.Duration
		taken  bool
	}
	for name, tc := range map[string]struct {
		puts   []put
		at     time.Duration
		full   bool
		reason accumulator.Reason
		weight int
	}{
		"by size":           {[]put{{1, 0, true}, {1, 0, true}, {1, 0, true}, {1, 0, false}}, 0, true, accumulator.ReasonSize, 3},
		"by weight reached": {[]put{{4, 0, true}, {6, 0, true}}, 0, true, accumulator.ReasonWeight, 10},
		"by weight refused": {[]put{{4, 0, true}, {7, 0, false}}, 0, false, accumulator.ReasonWeight, 4},
		"alone":             {[]put{{99, 0, true}, {0, 0, false}}, 0, true, accumulator.ReasonWeight, 99},
		"by age":            {[]put{{1, 0, true}, {1, 50, true}}, 60, false, accumulator.ReasonAge, 2},
		"by idle":           {[]put{{1, 0, true}, {-5, 5, true}}, 25, false, accumulator.ReasonIdle, 1},
		"on demand":         {[]put{{1, 0, true}}, 19, false, accumulator.ReasonFlush, 1},
	} {
		t.Run(name, func(t *testing.T) {
			buf := newBuffer(t, accumulator.Config{MaxItems: 3, MaxWeight: 10, MaxWait: 60, MaxIdle: 20})
			for i, p := range tc.puts {
				if ok := buf.Add(i, p.weight, t0.Add(p.after)); ok != p.taken {
					t.Fatalf("Add %d: %t, want %t", i, ok, p.taken)
				}
			}
			if buf.Full() != tc.full {
				t.Errorf("Full: %t, want %t", buf.Full(), tc.full)
			}
			b, ok := buf.Flush(t0.Add(tc.at))
			if !ok || b.Reason != tc.reason || b.Weight != tc.weight || b.Age() != tc.at {
				t.Errorf("got %+v, want weight %d by %v after %v", b, tc.weight, tc.reason, tc.at)
			}
			if _, again := buf.Flush(t0); again || buf.Len() != 0 || buf.Full() {
				t.Error("the buffer is not empty after Flush")
			}
		})
	}
}

func TestADeadlineIsTheEarlierOfAgeAndIdle(t *testing.T) {
	t0 := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	buf := newBuffer(t, accumulator.Config{MaxWait: 50, MaxIdle: 20})
	if _, ok := buf.Deadline(); ok {
		t.Error("an empty buffer has a deadline")
	}
	for _, step := range []struct{ at, due time.Duration }{{0, 20}, {15, 35}, {34, 50}, {49, 50}} {
		buf.Add(1, 0, t0.Add(step.at))
		if due, ok := buf.Deadline(); !ok || due.Sub(t0) != step.due {
			t.Errorf("after an item at %d the deadline is %d, want %d", step.at, due.Sub(t0), step.due)
		}
	}
	lasting := newBuffer(t, accumulator.Config{MaxItems: 2})
	lasting.Add(1, 0, t0)
	if _, ok := lasting.Deadline(); ok {
		t.Error("a buffer without MaxWait and MaxIdle has a deadline")
	}
}

// TestTheBufferLoopLosesNothing drives a Buffer as its documentation says.
func TestTheBufferLoopLosesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cfg := accumulator.Config{
			MaxItems:  rapid.IntRange(0, 6).Draw(rt, "MaxItems"),
			MaxWeight: rapid.IntRange(1, 20).Draw(rt, "MaxWeight"),
			MaxWait:   time.Duration(rapid.IntRange(0, 30).Draw(rt, "MaxWait")),
		}
		weights := rapid.SliceOf(rapid.IntRange(0, 25)).Draw(rt, "weights")
		buf := newBuffer(t, cfg)
		now := time.Unix(0, 0)
		var out []int
		flush := func() {
			b, ok := buf.Flush(now)
			if !ok {
				return
			}
			if len(b.Items) > 1 && b.Weight > cfg.MaxWeight || cfg.MaxItems > 0 && len(b.Items) > cfg.MaxItems {
				rt.Fatalf("%d items of weight %d", len(b.Items), b.Weight)
			}
			if cfg.MaxWait > 0 && b.Age() > cfg.MaxWait {
				rt.Fatalf("open for %v", b.Age())
			}
			out = append(out, b.Items...)
		}
		for i, w := range weights {
			if due, ok := buf.Deadline(); ok && !due.After(now) {
				now = due
				flush()
			}
			if !buf.Add(i, w, now) {
				flush()
				if !buf.Add(i, w, now) {
					rt.Fatal("an empty buffer refused an item")
				}
			}
			if buf.Full() {
				flush()
			}
			now = now.Add(time.Duration(w))
		}
		if due, ok := buf.Deadline(); ok && due.Before(now) {
			now = due
		}
		flush()
		for i, v := range out {
			if i != v {
				rt.Fatalf("item %d came as number %d", v, i)
			}
		}
		if len(out) != len(weights) {
			rt.Fatal(cmp.Diff(len(weights), len(out)))
		}
	})
}
