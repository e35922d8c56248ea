package simulator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

func TestABatchPassesThroughAllStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := openaitest.StartInBubble(t, simulator.Config{Latency: openaitest.Slow})
		id := c.Create(c.Upload(openaitest.Many(100)).ID).ID
		openaitest.Sleep(time.Minute - time.Second)
		c.WantStatus(id, "validating", openaitest.Counts{})
		openaitest.Sleep(time.Second)
		c.WantStatus(id, "in_progress", openaitest.Counts{Total: 100})
		openaitest.Sleep(time.Hour)
		c.WantStatus(id, "in_progress", openaitest.Counts{Total: 100, Completed: 10})
		openaitest.Sleep(9 * time.Hour)
		b := c.WantStatus(id, "finalizing", openaitest.Counts{Total: 100, Completed: 100})
		if b.OutputFileID != "" {
			t.Error("the output file is shown before the batch is complete")
		}
		openaitest.Sleep(2 * time.Minute)
		b = c.WantStatus(id, "completed", openaitest.Counts{Total: 100, Completed: 100})
		if took := b.CompletedAt - b.CreatedAt; took != int64((10*time.Hour + 3*time.Minute).Seconds()) {
			t.Errorf("completed after %d s", took)
		}
		if b.ErrorFileID != "" {
			t.Error("there is an error file although no row failed")
		}
		if n := len(c.ByID(c.Lines(b.OutputFileID))); n != 100 {
			t.Errorf("%d results", n)
		}
	})
}

func TestACancelledBatchKeepsWhatWasDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := openaitest.StartInBubble(t, simulator.Config{Latency: openaitest.Slow})
		id := c.Create(c.Upload(openaitest.Many(10)).ID).ID
		openaitest.Sleep(time.Minute + 4*time.Hour)
		for range 2 { // the second time changes nothing
			var b openaitest.Batch
			c.Do(200, "POST", "/v1/batches/"+id+"/cancel", "", &b)
			if b.Status != "cancelling" || b.CancellingAt == 0 {
				t.Fatalf("%+v", b)
			}
		}
		openaitest.Sleep(3 * time.Minute)
		b := c.WantStatus(id, "cancelled", openaitest.Counts{Total: 10, Completed: 4})
		output, failed := c.ByID(c.Lines(b.OutputFileID)), c.ByID(c.Lines(b.ErrorFileID))
		if len(output) != 4 || len(failed) != 6 {
			t.Errorf("%d and %d lines, want 4 and 6", len(output), len(failed))
		}
		for id, l := range failed {
			if l.Response != nil || l.Error.Code != "batch_cancelled" {
				t.Errorf("%s: %+v", id, l)
			}
		}
		c.Do(200, "POST", "/v1/batches/"+id+"/cancel", "", nil)
		openaitest.WantBilled(t, srv, 4)
	})
}

func TestABatchCancelledBeforeItRunsHasNoFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := openaitest.StartInBubble(t, simulator.Config{Latency: openaitest.Slow})
		id := c.Create(c.Upload(openaitest.Many(10)).ID).ID
		c.Do(200, "POST", "/v1/batches/"+id+"/cancel", "", nil)
		openaitest.Sleep(3 * time.Minute)
		if b := c.WantStatus(id, "cancelled", openaitest.Counts{}); b.OutputFileID != "" || b.ErrorFileID != "" {
			t.Errorf("%+v", b)
		}
	})
}

func TestABatchCancelledWhileFinalizingKeepsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := openaitest.StartInBubble(t, simulator.Config{Latency: openaitest.Slow})
		id := c.Create(c.Upload(openaitest.Many(10)).ID).ID
		openaitest.Sleep(time.Minute + 10*time.Hour)
		c.WantStatus(id, "finalizing", openaitest.Counts{Total: 10, Completed: 10})
		c.Do(200, "POST", "/v1/batches/"+id+"/cancel", "", nil)
		openaitest.Sleep(3 * time.Minute)
		b := c.WantStatus(id, "cancelled", openaitest.Counts{Total: 10, Completed: 10})
		if n := len(c.Lines(b.OutputFileID)); n != 10 {
			t.Errorf("%d results", n)
		}
	})
}

func TestABatchExpiresWithWhatWasDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := openaitest.StartInBubble(t, simulator.Config{Latency: simulator.Latency{Processing: 48 * time.Hour}})
		id := c.Create(c.Upload(openaitest.Many(10)).ID).ID
		openaitest.Sleep(24*time.Hour - time.Second)
		c.WantStatus(id, "in_progress", openaitest.Counts{Total: 10, Completed: 4})
		openaitest.Sleep(time.Second)
		b := c.WantStatus(id, "expired", openaitest.Counts{Total: 10, Completed: 5})
		if b.ExpiredAt != b.ExpiresAt {
			t.Errorf("expired at %d, want %d", b.ExpiredAt, b.ExpiresAt)
		}
		failed := c.ByID(c.Lines(b.ErrorFileID))
		if len(c.Lines(b.OutputFileID)) != 5 || len(failed) != 5 {
			t.Errorf("%d error lines", len(failed))
		}
		for id, l := range failed {
			if l.Error.Code != "batch_expired" {
				t.Errorf("%s: %+v", id, l.Error)
			}
		}
		openaitest.WantBilled(t, srv, 5)
		var e openaitest.Error
		c.Do(409, "POST", "/v1/batches/"+id+"/cancel", "", &e)
		if e.Error.Message != "Cannot cancel a batch with status 'expired'." {
			t.Errorf("%+v", e)
		}
	})
}

func TestABatchOfFailuresCompletesWithOnlyAnErrorFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := openaitest.StartInBubble(t, simulator.Config{})
		id := c.Create(c.Upload(openaitest.Chats("[[400]]", "[[429]]", "[[500]]", "[[timeout]]")).ID).ID
		openaitest.Sleep(time.Second)
		b := c.WantStatus(id, "completed", openaitest.Counts{Total: 4, Failed: 4})
		if b.OutputFileID != "" {
			t.Error("there is an output file although no row succeeded")
		}
		failed := c.ByID(c.Lines(b.ErrorFileID))
		for id, status := range map[string]int{"row-0": 400, "row-1": 429, "row-2": 500} {
			if l := failed[id]; l.Error != nil || l.Response.StatusCode != status {
				t.Errorf("%s: %+v", id, l)
			}
		}
		if l := failed["row-3"]; l.Response != nil || l.Error.Code != "request_timeout" {
			t.Errorf("row-3: %+v", l)
		}
		openaitest.WantBilled(t, srv, 0)
	})
}

func TestTheClockRunsAtItsSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := openaitest.StartInBubble(t, simulator.Config{Speed: 3600, Latency: simulator.Latency{Processing: 48 * time.Hour}})
		begin := srv.Now()
		id := c.Create(c.Upload(openaitest.Many(10)).ID).ID
		openaitest.Sleep(23 * time.Second)
		c.WantStatus(id, "in_progress", openaitest.Counts{Total: 10, Completed: 4})
		openaitest.Sleep(time.Second)
		c.WantStatus(id, "expired", openaitest.Counts{Total: 10, Completed: 5})
		if passed := srv.Now().Sub(begin); passed != 24*time.Hour {
			t.Errorf("%v passed", passed)
		}
	})
}

func TestAdvanceMakesThingsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := openaitest.StartInBubble(t, simulator.Config{Latency: openaitest.Slow})
		control := simulator.Control{URL: srv.URL, Client: srv.Client()}
		id := c.Create(c.Upload(openaitest.Many(10)).ID).ID
		for _, d := range []time.Duration{time.Minute, 5 * time.Hour} {
			if err := control.Advance(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		c.WantStatus(id, "in_progress", openaitest.Counts{Total: 10, Completed: 5})
		if err := srv.Advance(-time.Second); err == nil {
			t.Error("the clock was set back")
		}
	})
}

// A clock that is advanced before a new batch is looked at counts for all of its
// life, not only for its validation.
func TestAdvanceCountsForABatchThatWasJustCreated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		latency := simulator.Latency{Validation: time.Minute, Processing: time.Hour}
		srv, c := openaitest.StartInBubble(t, simulator.Config{Latency: latency})
		id := c.Create(c.Upload(openaitest.Many(10)).ID).ID
		if err := srv.Advance(2 * time.Hour); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		c.WantStatus(id, "completed", openaitest.Counts{Total: 10, Completed: 10})
	})
}
