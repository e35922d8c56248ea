package simulator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// startInBubble serves a simulator in memory, for tests in a synctest bubble.
func startInBubble(t *testing.T, cfg simulator.Config) (*simulator.Server, client) {
	t.Helper()
	srv, err := simulator.StartPipe(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return srv, client{t: t, base: srv.URL, key: "sk-one", http: srv.Client()}
}

// sleep lets fake time pass and everything that is due happen.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// wantStatus fails unless the batch has the status and the counts.
func (c client) wantStatus(id, status string, want counts) batchObject {
	c.t.Helper()
	b := c.get(id)
	if b.Status != status || b.RequestCounts != want {
		c.t.Fatalf("batch is %s with %+v, want %s with %+v", b.Status, b.RequestCounts, status, want)
	}
	return b
}

// slow is a latency of which every part can be told from the others.
var slow = simulator.Latency{
	Validation: time.Minute, Processing: 10 * time.Hour, Finalizing: 2 * time.Minute, Cancelling: 3 * time.Minute,
}

func TestABatchPassesThroughAllStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := startInBubble(t, simulator.Config{Latency: slow})
		id := c.create(c.upload(many(100)).ID).ID
		sleep(time.Minute - time.Second)
		c.wantStatus(id, "validating", counts{})
		sleep(time.Second)
		c.wantStatus(id, "in_progress", counts{Total: 100})
		sleep(time.Hour)
		c.wantStatus(id, "in_progress", counts{Total: 100, Completed: 10})
		sleep(9 * time.Hour)
		b := c.wantStatus(id, "finalizing", counts{Total: 100, Completed: 100})
		if b.OutputFileID != "" {
			t.Error("the output file is shown before the batch is complete")
		}
		sleep(2 * time.Minute)
		b = c.wantStatus(id, "completed", counts{Total: 100, Completed: 100})
		if took := b.CompletedAt - b.CreatedAt; took != int64((10*time.Hour + 3*time.Minute).Seconds()) {
			t.Errorf("completed after %d s", took)
		}
		if b.ErrorFileID != "" {
			t.Error("there is an error file although no row failed")
		}
		if n := len(c.byID(c.lines(b.OutputFileID))); n != 100 {
			t.Errorf("%d results", n)
		}
	})
}

func TestACancelledBatchKeepsWhatWasDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := startInBubble(t, simulator.Config{Latency: slow})
		id := c.create(c.upload(many(10)).ID).ID
		sleep(time.Minute + 4*time.Hour)
		for range 2 { // the second time changes nothing
			var b batchObject
			c.do(200, "POST", "/v1/batches/"+id+"/cancel", "", &b)
			if b.Status != "cancelling" || b.CancellingAt == 0 {
				t.Fatalf("%+v", b)
			}
		}
		sleep(3 * time.Minute)
		b := c.wantStatus(id, "cancelled", counts{Total: 10, Completed: 4})
		output, failed := c.byID(c.lines(b.OutputFileID)), c.byID(c.lines(b.ErrorFileID))
		if len(output) != 4 || len(failed) != 6 {
			t.Errorf("%d and %d lines, want 4 and 6", len(output), len(failed))
		}
		for id, l := range failed {
			if l.Response != nil || l.Error.Code != "batch_cancelled" {
				t.Errorf("%s: %+v", id, l)
			}
		}
		c.do(200, "POST", "/v1/batches/"+id+"/cancel", "", nil)
		wantBilled(t, srv, 4)
	})
}

func TestABatchCancelledBeforeItRunsHasNoFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := startInBubble(t, simulator.Config{Latency: slow})
		id := c.create(c.upload(many(10)).ID).ID
		c.do(200, "POST", "/v1/batches/"+id+"/cancel", "", nil)
		sleep(3 * time.Minute)
		if b := c.wantStatus(id, "cancelled", counts{}); b.OutputFileID != "" || b.ErrorFileID != "" {
			t.Errorf("%+v", b)
		}
	})
}

func TestABatchCancelledWhileFinalizingKeepsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := startInBubble(t, simulator.Config{Latency: slow})
		id := c.create(c.upload(many(10)).ID).ID
		sleep(time.Minute + 10*time.Hour)
		c.wantStatus(id, "finalizing", counts{Total: 10, Completed: 10})
		c.do(200, "POST", "/v1/batches/"+id+"/cancel", "", nil)
		sleep(3 * time.Minute)
		b := c.wantStatus(id, "cancelled", counts{Total: 10, Completed: 10})
		if n := len(c.lines(b.OutputFileID)); n != 10 {
			t.Errorf("%d results", n)
		}
	})
}

func TestABatchExpiresWithWhatWasDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := startInBubble(t, simulator.Config{Latency: simulator.Latency{Processing: 48 * time.Hour}})
		id := c.create(c.upload(many(10)).ID).ID
		sleep(24*time.Hour - time.Second)
		c.wantStatus(id, "in_progress", counts{Total: 10, Completed: 4})
		sleep(time.Second)
		b := c.wantStatus(id, "expired", counts{Total: 10, Completed: 5})
		if b.ExpiredAt != b.ExpiresAt {
			t.Errorf("expired at %d, want %d", b.ExpiredAt, b.ExpiresAt)
		}
		failed := c.byID(c.lines(b.ErrorFileID))
		if len(c.lines(b.OutputFileID)) != 5 || len(failed) != 5 {
			t.Errorf("%d error lines", len(failed))
		}
		for id, l := range failed {
			if l.Error.Code != "batch_expired" {
				t.Errorf("%s: %+v", id, l.Error)
			}
		}
		wantBilled(t, srv, 5)
		var e apiError
		c.do(409, "POST", "/v1/batches/"+id+"/cancel", "", &e)
		if e.Error.Message != "Cannot cancel a batch with status 'expired'." {
			t.Errorf("%+v", e)
		}
	})
}

func TestABatchOfFailuresCompletesWithOnlyAnErrorFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := startInBubble(t, simulator.Config{})
		id := c.create(c.upload(chats("[[400]]", "[[429]]", "[[500]]", "[[timeout]]")).ID).ID
		sleep(time.Second)
		b := c.wantStatus(id, "completed", counts{Total: 4, Failed: 4})
		if b.OutputFileID != "" {
			t.Error("there is an output file although no row succeeded")
		}
		failed := c.byID(c.lines(b.ErrorFileID))
		for id, status := range map[string]int{"row-0": 400, "row-1": 429, "row-2": 500} {
			if l := failed[id]; l.Error != nil || l.Response.StatusCode != status {
				t.Errorf("%s: %+v", id, l)
			}
		}
		if l := failed["row-3"]; l.Response != nil || l.Error.Code != "request_timeout" {
			t.Errorf("row-3: %+v", l)
		}
		wantBilled(t, srv, 0)
	})
}

func TestTheClockRunsAtItsSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := startInBubble(t, simulator.Config{Speed: 3600, Latency: simulator.Latency{Processing: 48 * time.Hour}})
		begin := srv.Now()
		id := c.create(c.upload(many(10)).ID).ID
		sleep(23 * time.Second)
		c.wantStatus(id, "in_progress", counts{Total: 10, Completed: 4})
		sleep(time.Second)
		c.wantStatus(id, "expired", counts{Total: 10, Completed: 5})
		if passed := srv.Now().Sub(begin); passed != 24*time.Hour {
			t.Errorf("%v passed", passed)
		}
	})
}

func TestAdvanceMakesThingsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := startInBubble(t, simulator.Config{Latency: slow})
		control := simulator.Control{URL: srv.URL, Client: srv.Client()}
		id := c.create(c.upload(many(10)).ID).ID
		for _, d := range []time.Duration{time.Minute, 5 * time.Hour} {
			if err := control.Advance(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		c.wantStatus(id, "in_progress", counts{Total: 10, Completed: 5})
		if err := srv.Advance(-time.Second); err == nil {
			t.Error("the clock was set back")
		}
	})
}

// wantBilled fails unless n rows are in the ledger as billed.
func wantBilled(t *testing.T, srv *simulator.Server, n int) {
	t.Helper()
	billed := 0
	for e, err := range srv.Executions() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Billed() {
			billed++
		}
	}
	if billed != n {
		t.Errorf("%d rows were billed, want %d", billed, n)
	}
}
