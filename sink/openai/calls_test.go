package openai_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// What earns the results does not wait for looks, deletions and lists, of which
// there may be any number.
func TestTransfersDoNotWaitForPollsAndDeletions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, err := simulator.StartPipe(simulator.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := server.Close(); err != nil {
				t.Error(err)
			}
		}()
		c, err := openai.New(secret, openai.Config{
			BaseURL: "http://127.0.0.1/v1", Transport: server.Client().Transport, Retry: quick,
			Calls: sink.Calls{Polls: 1, Deletes: 1, Others: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		first := buy(t, c, "first", chat("a"))
		time.Sleep(time.Minute) // it ends, and the limiters are full again
		var others sync.WaitGroup
		for range 50 {
			others.Go(func() { _, _ = c.Status(t.Context(), first) })
			others.Go(func() { _ = c.Check(t.Context()) })
			others.Go(func() { _ = c.Remove(t.Context(), sink.Handle{File: "none"}) })
		}
		synctest.Wait()
		start := time.Now()
		buy(t, c, "second", chat("b"))
		if got := outcomes(t, c, first); len(got) != 1 {
			t.Errorf("outcomes %v", got)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("upload, creation and download waited for %s", took)
		}
		others.Wait()
		if took := time.Since(start); took < 45*time.Second {
			t.Errorf("50 looks of one a second took %s", took)
		}
	})
}

func TestCallsMustNotBeNegative(t *testing.T) {
	for _, calls := range []sink.Calls{{Uploads: -1}, {Creates: -1}, {Downloads: -1}, {Polls: -1}, {Deletes: -1}, {Others: -1}} {
		if _, err := openai.New(secret, openai.Config{Calls: calls}); err == nil || !strings.Contains(err.Error(), "Config.Calls") {
			t.Errorf("%+v: %v", calls, err)
		}
	}
}
