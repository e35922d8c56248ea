package ratelimit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/ratelimit"
)

func TestAStageCountsWhatWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ratelimit.New[int](ratelimit.Per(60, time.Minute))
		in, out, done := run(t.Context(), s)
		go func() {
			in <- []int{1, 2, 3}
			close(in)
		}()
		for range 3 {
			<-out
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		got := s.Stats()
		got.Delay = got.Delay.Round(time.Second)
		if d := cmp.Diff(ratelimit.StageStats{Passed: 3, Waited: 2, Delay: 2 * time.Second}, got); d != "" {
			t.Error(d)
		}
	})
}
