package intercept_test

import (
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/intercept"
)

// Rows of a key that is not known wait, and are seen to. Whoever has the key
// lets them go on.
func TestRowsWaitForTheirKey(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		i := w.begin()
		var calls sync.WaitGroup
		calls.Go(func() { post(w.Context(), i, chats, chat("one")) })
		time.Sleep(time.Second) // before the batch is bought
		w.close(i)
		calls.Wait()

		i = w.begin()
		defer func() { w.close(i) }()
		time.Sleep(time.Minute)
		w.wantBought(0, 0)
		if jobs, err := i.Unclaimed(); err != nil || len(jobs) != 1 || jobs[0].Rows != 1 {
			w.Errorf("%+v, %v", jobs, err)
		}
		base := "http://127.0.0.1/v1"
		for _, key := range []string{"", "sk-other"} {
			if err := i.Resume(w.Context(), intercept.Account{Service: "openai", BaseURL: base, Key: func() string { return key }}); err != nil {
				w.Error(err)
			}
			if jobs, err := i.Unclaimed(); err != nil || len(jobs) != 1 {
				w.Errorf("%q: %+v, %v", key, jobs, err)
			}
		}
		account := intercept.Account{Service: "openai", BaseURL: base, Key: func() string { return "sk-test" }}
		w.close(i)
		i = w.begin(func(c *intercept.Config) { c.DryRun = true })
		if err := i.Resume(w.Context(), account); err != nil {
			w.Error(err)
		}
		time.Sleep(20 * time.Minute)
		w.wantBought(0, 0)
		w.close(i)
		i = w.begin()
		if err := i.Resume(w.Context(), account); err != nil {
			w.Error(err)
		}
		time.Sleep(20 * time.Minute)
		w.wantBought(1, 1)
		if jobs, err := i.Unclaimed(); err != nil || len(jobs) != 0 {
			w.Errorf("%+v, %v", jobs, err)
		}
	})
}
