package accumulator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// stream runs the items of a schedule through a stage: every step is a slice
// that the stage receives, or a pause.
func (s schedule) stream(t *testing.T) *outcome {
	t.Helper()
	o := &outcome{taken: map[parcel]time.Time{}}
	stage := s.stage(o)
	r := run(t.Context(), stage)
	go func() {
		defer close(r.in)
		for _, steps := range s.Steps {
			for _, step := range steps {
				if step.Do == "sleep" {
					time.Sleep(step.For)
				} else if len(step.Parcels) > 0 {
					o.took(step.Parcels...)
					r.in <- step.Parcels
				}
			}
		}
	}()
	for {
		select {
		case batches := <-r.out:
			time.Sleep(s.Slow)
			o.delivered = append(o.delivered, batches...)
		case err := <-r.err:
			if err != nil {
				o.complain("Run: %w", err)
			}
			o.stats = stage.Stats()
			return o
		}
	}
}

// TestRandomStreams is TestRandomSchedules for a stage.
func TestRandomStreams(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawSchedule(rt)
		s.Config.Workers, s.FailAt, s.Cancel = 1, 0, 0
		var o *outcome
		synctest.Test(t, func(t *testing.T) { o = s.stream(t) })
		if err := s.check(o); err != nil {
			rt.Fatal(err)
		}
	})
}
