package ready

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/queue"
)

// shelf is a ready log in an order, for entries of two tenants.
func shelf(tb testing.TB, o Order) *Log {
	tb.Helper()
	root, err := os.OpenRoot(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	r, err := Open(tb.Context(), &jobdir.Dir{Root: root, Keys: jobdir.NewKeys("test", 0)}, state.NewMemory())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = errors.Join(append(r.Close(), root.Close())...) })
	o.Tenant = func(target int) string { return []string{"a", "b"}[target] }
	r.Sort(o)
	if err := r.Fill(); err != nil {
		tb.Fatal(err)
	}
	return r
}

func add(tb testing.TB, r *Log, entries ...jobdir.Entry) {
	tb.Helper()
	if err := r.Add(context.Background(), entries); err != nil {
		tb.Fatal(err)
	}
}

func load(tb testing.TB, r *Log, n int) []jobdir.Entry {
	tb.Helper()
	found, err := r.Load(n)
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

// The earliest deadline leaves first among all that waits, not only among what
// is loaded at a time. An entry that has none leaves last.
func TestTheEarliestOfAllLeavesFirst(t *testing.T) {
	t.Parallel()
	r := shelf(t, Order{Policy: queue.Strict(Waiter.Deadline)})
	const n = 20_000
	entries := make([]jobdir.Entry, n)
	for i, due := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
		entries[i] = jobdir.Entry{Key: fmt.Sprint(i), Deadline: uint32(due), Target: uint16(i % 2)}
	}
	add(t, r, entries...)
	var got []uint32
	for range n / 500 {
		for _, e := range load(t, r, 500) {
			got = append(got, e.Deadline)
		}
	}
	if len(got) != n || got[n-1] != 0 || !slices.IsSorted(got[:n-1]) {
		t.Errorf("%d entries left, the last with the deadline %d", len(got), got[len(got)-1])
	}
	if r.Any() {
		t.Error("something is left")
	}
}

// A tenant at its limit is in nobody's way, whatever waits of it and however
// urgent. It gets room when a batch of it is done.
func TestATenantAtItsLimitHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	r := shelf(t, Order{Policy: queue.Strict(Waiter.Priority), Limit: 10})
	for i := range 100 {
		add(t, r, jobdir.Entry{Key: fmt.Sprint("a", i), Level: jobdir.LevelOf(queue.PriorityCritical)})
	}
	add(t, r, jobdir.Entry{Key: "b", Level: jobdir.LevelOf(queue.PriorityLow), Target: 1})
	found := load(t, r, 50)
	if len(found) != 11 || found[10].Key != "b" || r.Any() {
		t.Fatalf("%d loaded, the last is %q", len(found), found[len(found)-1].Key)
	}
	r.Hold("TAG", found[:4], false)
	if _, err := r.Claim(found[:4]); err != nil {
		t.Fatal(err)
	}
	if got := load(t, r, 50); len(got) != 0 {
		t.Errorf("%d loaded while the batch is open", len(got))
	}
	if err := r.Unpin("TAG"); err != nil {
		t.Fatal(err)
	}
	if got := load(t, r, 50); len(got) != 4 || got[0].Key != "a10" {
		t.Errorf("loaded %d when the batch is done", len(got))
	}
	r.Hold("EARLIER", found[:3], true) // of an earlier process
	r.Hold("OTHER", found[4:10], false)
	if err := r.Unpin("OTHER"); err != nil {
		t.Fatal(err)
	}
	if got := load(t, r, 50); len(got) != 3 {
		t.Errorf("loaded %d beside those of an earlier process", len(got))
	}
}

// The position of an entry is how many are loaded before it, whatever the
// order, and whether it was read before a restart or came after.
func TestAPositionIsWhatLeavesBefore(t *testing.T) {
	t.Parallel()
	tenant := func(w Waiter) string { return []string{"a", "b"}[w.Target()] }
	for name, o := range map[string]*Order{
		"levels": nil, "deadline": {Policy: queue.Strict(Waiter.Deadline)},
		"fair": {Policy: queue.Fair(Waiter.Priority, tenant, Waiter.Tokens), Config: queue.Config{Weights: map[string]int{"a": 3}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := shelf(t, Order{})
			if r.line, r.filled = nil, false; o != nil {
				o.Tenant = func(int) string { return "" }
				r.Sort(*o)
			}
			rnd := rand.New(rand.NewPCG(1, 2))
			const n = 300
			for i := range n {
				add(t, r, jobdir.Entry{Key: fmt.Sprint(i), Level: uint8(i*7%3 + 126), Deadline: rnd.Uint32(), Target: uint16(i % 2)})
				if i == n/2 {
					if err := r.Fill(); err != nil {
						t.Fatal(err)
					}
				}
			}
			positions := make(map[string]int)
			for i := range n {
				at, err := r.Position(fmt.Sprint(i))
				if err != nil {
					t.Fatal(err)
				}
				positions[fmt.Sprint(i)] = at
			}
			first := load(t, r, n/3)
			if at, err := r.Position(first[n/3-1].Key); at != 0 || err != nil {
				t.Errorf("one that was loaded is at %d, %v", at, err)
			}
			if _, err := r.Claim(first[n/6:]); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Position(first[n/3-1].Key); !errors.Is(err, queue.ErrNotFound) {
				t.Errorf("one that is in a batch: %v", err)
			}
			rest := load(t, r, n)
			for i, e := range append(first, rest...) {
				if positions[e.Key] != i {
					t.Fatalf("entry %s came as number %d, and was at %d", e.Key, i, positions[e.Key])
				}
			}
			if _, err := r.Position("unknown"); !errors.Is(err, queue.ErrNotFound) {
				t.Errorf("an unknown one: %v", err)
			}
		})
	}
}

// BenchmarkPack is what it costs an entry to wait: to be added, loaded and
// claimed.
func BenchmarkPack(b *testing.B) {
	tenant := func(w Waiter) string { return []string{"a", "b"}[w.Target()] }
	for name, o := range map[string]*Order{
		"levels": nil, "deadline": {Policy: queue.Strict(Waiter.Deadline)}, "aged": {Policy: queue.Strict(Waiter.Since)},
		"fair": {Policy: queue.Fair(Waiter.Priority, tenant, Waiter.Tokens)},
	} {
		b.Run(name, func(b *testing.B) {
			r := shelf(b, Order{})
			if r.line, r.filled = nil, false; o != nil {
				o.Tenant = func(target int) string { return []string{"a", "b"}[target] }
				r.Sort(*o)
				r.filled = true
			}
			entries := make([]jobdir.Entry, 512)
			rnd := rand.New(rand.NewPCG(1, 2))
			b.ReportAllocs()
			for n := 0; n < b.N; n += len(entries) {
				for i := range entries {
					entries[i] = jobdir.Entry{Key: "key", Target: uint16(i % 2), Deadline: rnd.Uint32(), Since: uint32(n)}
				}
				add(b, r, entries...)
			}
			for left := b.N; left > 0; {
				found := load(b, r, LoadChunk)
				left -= len(found)
				if _, err := r.Claim(found); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
