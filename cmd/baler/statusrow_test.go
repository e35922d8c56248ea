package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
)

// Another process says where a row is: that it waits, and behind how many, in
// which batch it is, and how it was settled.
func TestStatusOfARow(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, anHour), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(200)...)
	run := startCommand(t, dir, namedRun(server, "daily", "--max-in-flight", "2")...)
	statusOf(t, dir, "daily", func(s durable.Status) bool { return s.Read && open(2, server)(s) })
	where := func(id string) (s rowStatus) {
		t.Helper()
		r := runCommand(t, dir, nil, "status", "daily", "--row", id, "--json")
		if err := json.Unmarshal([]byte(r.stdout), &s); err != nil || !strings.Contains(r.stdout, schemaOf("row")) || r.code != exitOK || s.Key != id {
			t.Fatalf("%v: %+v", err, r)
		}
		return s
	}
	count := make(map[archive.Place]int)
	waiting, sent := "", ""
	for _, id := range []string{"t-0", "t-60", "t-199"} {
		s := where(id)
		switch count[s.Place]++; s.Place {
		case archive.PlaceWaiting:
			if waiting = id; s.Ahead == nil || *s.Ahead > 100 || s.Batch != nil {
				t.Errorf("%+v", s)
			}
		case archive.PlaceBatch:
			if sent = id; s.Ahead != nil || s.Batch == nil || s.Batch.Rows != 50 {
				t.Errorf("%+v", s)
			}
		case archive.PlaceSettled, archive.PlaceCancelled:
			t.Errorf("%+v", s)
		}
	}
	if waiting != "t-199" || sent == "" {
		t.Errorf("%v", count)
	}
	if r := mustCommand(t, dir, "status", "daily", "--row", waiting); !r.says("place waiting for a batch, " + thousands(*where(waiting).Ahead) + " rows leave before it") {
		t.Errorf("%+v", r)
	}
	if r := mustCommand(t, dir, "status", "daily", "--row", sent); !r.says("place in a batch that is not settled") {
		t.Errorf("%+v", r)
	}
	if r := runCommand(t, dir, nil, "status", "daily", "--row", "other"); r.code != exitUsage {
		t.Errorf("%+v", r)
	}
	for range 2 {
		if err := server.Advance(2 * time.Hour); err != nil {
			t.Fatal(err)
		}
		statusOf(t, dir, "daily", func(s durable.Status) bool { return s.State == durable.StateCompleted || open(2, server)(s) })
	}
	if r := run.end(); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	if s := where(waiting); s.Place != archive.PlaceSettled || s.Result == nil || s.Result.Status != durable.ItemSucceeded || s.Ahead != nil {
		t.Errorf("%+v", s)
	}
}
