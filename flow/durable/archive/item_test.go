package archive_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/simulator"
)

// places counts the items of a run by their place, and compares each with the
// results and the batches.
func places(w *durabletest.World, n int) map[archive.Place]int {
	w.T.Helper()
	a, q := w.Archive("tickets"), archive.Query{Codec: w.Provider.Info().Codec}
	results := make(map[string]archive.Result)
	for r, err := range a.Results(q) {
		if err != nil {
			w.T.Fatal(err)
		}
		if r.Status != durable.ItemCancelled {
			results[r.ID] = r
		}
	}
	count := make(map[archive.Place]int)
	for i := range n {
		key := fmt.Sprintf("t-%d", i)
		item, err := a.Item(key, q)
		if err != nil || item.Key != key || item.Line != i+1 {
			w.T.Fatalf("%+v, %v", item, err)
		}
		r, settled := results[key]
		switch {
		case settled != (item.Place == archive.PlaceSettled):
			w.T.Errorf("%s is %s, and has a result: %t", key, item.Place, settled)
		case settled && (item.Result.Text != r.Text || item.Result.Status != r.Status || item.Result.Cursor != r.Cursor || item.Batch == nil):
			w.T.Errorf("%s: %+v, want %+v", key, item.Result, r)
		case item.Place == archive.PlaceBatch && (item.Batch == nil || item.Batch.State == "cleaned"):
			w.T.Errorf("%s is in %+v", key, item.Batch)
		}
		count[item.Place]++
	}
	return count
}

// Where an item is follows from the files: those of a run that was left, of one
// that has ended, and of one that was cancelled.
func TestWhereAnItemIs(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Answer: failsOn, Latency: simulator.Latency{Processing: 30 * time.Millisecond}})
	w.Write("in.jsonl", durabletest.Tickets(100)...)
	job := tenanted(w)
	job.Model, job.Batch.MaxItems, job.MaxInFlight, job.ReadAll = "gpt-mini", 5, 2, true
	w.Leave(job, 20)
	half := places(w, 100)
	if half[archive.PlaceSettled] < 20 || half[archive.PlaceWaiting] < 50 || half[archive.PlaceBatch] > 10 || half[archive.PlaceCancelled] > 0 {
		t.Errorf("in the middle: %v", half)
	}
	if _, err := w.Archive("tickets").Item("t-100", archive.Query{}); !errors.Is(err, archive.ErrNoItem) {
		t.Errorf("another item: %v", err)
	}
	if err := w.Attach().Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	var cancelled *durable.CancelledError
	if _, err := w.Run(t.Context(), job); !errors.As(err, &cancelled) {
		t.Fatal(err)
	}
	if end := places(w, 100); end[archive.PlaceCancelled] != cancelled.Rows || end[archive.PlaceSettled] != 100-cancelled.Rows {
		t.Errorf("%d have no result: %v", cancelled.Rows, end)
	}
}

// An item that goes again waits, or is in its second batch.
func TestWhereAnItemIsThatGoesAgain(t *testing.T) {
	t.Parallel()
	sent := 0
	w := durabletest.New(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		if sent++; sent <= 10 {
			return simulator.Reply{Error: &simulator.RowError{Status: 500, Code: "server_error"}}
		}
		return simulator.Echo(r)
	}, Latency: simulator.Latency{Processing: 30 * time.Millisecond}})
	w.Write("in.jsonl", durabletest.Tickets(10)...)
	job := w.Job()
	job.Guard.PauseAbove = 1
	w.LeaveWhen(job, func(p durable.Progress) bool { return p.Retried == 10 })
	item, err := w.Archive("tickets").Item("t-3", archive.Query{})
	if err != nil || item.Place == archive.PlaceSettled || item.Sent != 1 || item.Batch == nil {
		t.Errorf("%+v, %v", item, err)
	}
	w.MustRun(job)
	if end := places(w, 10); end[archive.PlaceSettled] != 10 {
		t.Error(end)
	}
}
