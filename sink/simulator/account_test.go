package simulator_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

// TestEveryRowIsAccountedFor lets batches with random latencies and failures be
// cancelled, expire, and be interrupted by restarts at random moments. A
// failing seed is in the name of its subtest.
func TestEveryRowIsAccountedFor(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { accountFor(t, seed) })
		})
	}
}

func accountFor(t *testing.T, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	upTo := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) }
	cfg := simulator.Config{
		Dir: t.TempDir(), Seed: seed,
		Latency: simulator.Latency{
			Validation: upTo(time.Hour), Processing: upTo(40 * time.Hour), Finalizing: upTo(time.Hour), Cancelling: upTo(10 * time.Minute),
		},
		Rows: simulator.RowFaults{BadRequest: 0.1, ServerError: 0.1, Timeout: 0.1},
	}
	srv, c := openaitest.StartInBubble(t, cfg)
	rows := make(map[string]int)
	for range 1 + random.IntN(4) {
		n := 1 + random.IntN(50)
		rows[c.Create(c.Upload(openaitest.Many(n)).ID).ID] = n
		openaitest.Sleep(upTo(2 * time.Hour))
	}
	for range random.IntN(6) {
		openaitest.Sleep(upTo(12 * time.Hour))
		if random.IntN(2) == 0 {
			if err := srv.Close(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(upTo(12 * time.Hour))
			srv, c = openaitest.StartInBubble(t, cfg)
			continue
		}
		for id := range rows { // any one
			_, _, _ = c.Try("POST", "/v1/batches/"+id+"/cancel", "", nil) // may be too late
			break
		}
	}
	openaitest.Sleep(48 * time.Hour)
	ran := make(map[string]map[string]simulator.Execution)
	for e, err := range srv.Executions() {
		if err != nil {
			t.Fatal(err)
		}
		if ran[e.Batch] == nil {
			ran[e.Batch] = make(map[string]simulator.Execution)
		}
		if _, twice := ran[e.Batch][e.CustomID]; twice {
			t.Errorf("%s of %s was executed twice", e.CustomID, e.Batch)
		}
		ran[e.Batch][e.CustomID] = e
	}
	for id, n := range rows {
		checkAccount(c, id, n, ran[id])
	}
}

// checkAccount compares an ended batch of n rows with its files and its ledger.
func checkAccount(c openaitest.Client, id string, n int, ran map[string]simulator.Execution) {
	c.T.Helper()
	b := c.Get(id)
	var output, failed []openaitest.ResultLine
	if b.OutputFileID != "" {
		output = c.Lines(b.OutputFileID)
	}
	if b.ErrorFileID != "" {
		failed = c.Lines(b.ErrorFileID)
	}
	lines := c.ByID(append(output, failed...)) // none is there twice
	if b.Status == "cancelled" && b.RequestCounts.Total == 0 {
		n = 0 // before validation
	}
	if len(lines) != n || len(output) != b.RequestCounts.Completed || b.RequestCounts.Total != n {
		c.T.Errorf("%s with %d rows has %d lines: %+v", b.Status, n, len(lines), b.RequestCounts)
	}
	if len(ran) != b.RequestCounts.Completed+b.RequestCounts.Failed || (b.Status == "completed" && len(ran) != n) {
		c.T.Errorf("%s: %d of %d rows were executed: %+v", b.Status, len(ran), n, b.RequestCounts)
	}
	for id, l := range lines {
		e, executed := ran[id]
		status := 0
		if l.Response != nil {
			status = l.Response.StatusCode
		}
		notRun := l.Error != nil && strings.HasPrefix(l.Error.Code, "batch_")
		if executed == notRun || e.Status != status {
			c.T.Errorf("%s: line %+v, ledger %+v", id, l, e)
		}
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := openaitest.StartInBubble(t, simulator.Config{Latency: openaitest.Slow})
		file := make([]string, 8)
		for i := range file {
			file[i] = c.As(fmt.Sprint("sk-", i)).Upload(openaitest.Many(100 + i)).ID
		}
		var clients sync.WaitGroup
		for i := range file {
			clients.Go(func() {
				own := c.As(fmt.Sprint("sk-", i))
				for range 10 {
					status, answer, err := own.Try("POST", "/v1/batches", "application/json", strings.NewReader(
						`{"input_file_id":"`+file[i]+`","endpoint":"/v1/chat/completions","completion_window":"24h"}`))
					if status != 200 || err != nil {
						t.Errorf("status %d, %v: %s", status, err, answer)
					}
					time.Sleep(time.Minute)
				}
			})
		}
		clients.Wait()
		openaitest.Sleep(12 * time.Hour)
		for i := range file {
			var p openaitest.Page[openaitest.Batch]
			c.As(fmt.Sprint("sk-", i)).Do(200, "GET", "/v1/batches", "", &p)
			if len(p.Data) != 10 {
				t.Errorf("%d batches, want 10", len(p.Data))
			}
			for _, b := range p.Data {
				if want := (openaitest.Counts{Total: 100 + i, Completed: 100 + i}); b.Status != "completed" || b.RequestCounts != want {
					t.Errorf("%s with %+v, want %+v", b.Status, b.RequestCounts, want)
				}
			}
		}
		if n := len(srv.Batches()); n != 80 {
			t.Errorf("%d batches, want 80", n)
		}
	})
}
