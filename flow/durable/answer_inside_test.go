package durable

import (
	"sync"
	"testing"

	"github.com/balerhq/baler/sink/llm"
)

// The race detector sees a check that two goroutines run at once.
func TestAnswersAreCheckedOneAtATime(t *testing.T) {
	t.Parallel()
	calls := 0
	j := newJudge(nil, func(string, llm.Reply) error {
		calls++
		return nil
	})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				_, _ = j.value("", llm.Reply{}) // there is none
			}
		})
	}
	all.Wait()
	if calls != 4000 || newJudge(nil, nil) != nil {
		t.Errorf("%d calls", calls)
	}
}
