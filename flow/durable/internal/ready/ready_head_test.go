package ready

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// While one goroutine loads, another claims: a head never names a number above
// that of the entry that it stands before, or a restart would take the entry
// for one that was claimed.
func TestAHeadIsNotAheadOfItself(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	r, err := Open(t.Context(), &jobdir.Dir{Root: root, Keys: jobdir.NewKeys("test", 0)}, state.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(r.Close()...) }()
	const rows = 20_000
	entries := make([]jobdir.Entry, rows)
	for i := range entries {
		entries[i] = jobdir.Entry{Key: fmt.Sprint("key-", i)}
	}
	if err := r.Add(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	begins := numberedPlaces(t, r.levels[0])
	loads := make(chan []jobdir.Entry)
	go func() {
		defer close(loads)
		for {
			found, err := r.Load(100)
			if err != nil {
				t.Error(err)
			}
			if len(found) == 0 {
				return
			}
			loads <- found
		}
	}()
	for found := range loads {
		for len(found) > 0 {
			ops, err := r.Claim(found[:1])
			if err != nil {
				t.Error(err)
			}
			found = found[1:]
			var h jobdir.HeadState
			if err := json.Unmarshal(ops[0].Value(), &h); err != nil {
				t.Error(err)
			}
			if seq, ok := begins[h.Pos]; ok && seq < h.Seq {
				t.Fatalf("the head says %d, and stands before entry %d", h.Seq, seq)
			}
		}
	}
}

// numberedPlaces says which entry stands where.
func numberedPlaces(t *testing.T, l *priorityLog) map[segment.Pos]uint64 {
	t.Helper()
	begins := make(map[segment.Pos]uint64)
	for rec, err := range l.log.Scan(segment.Pos{File: 1}, l.end) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := jobdir.DecodeEntry(rec.Payload)
		if err != nil {
			t.Fatal(err)
		}
		begins[rec.Begin()] = e.Seq
	}
	return begins
}
