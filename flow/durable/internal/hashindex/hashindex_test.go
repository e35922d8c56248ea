package hashindex_test

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/balerhq/baler/flow/durable/internal/hashindex"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

var prefix = []byte("i-prefix")

// clash makes hashes of which many begin with the same bits, up to all of them.
func clash(t *rapid.T) uint64 {
	first := rapid.Uint64Range(0, 3).Draw(t, "first")
	return first<<60 | rapid.Uint64Range(0, 2).Draw(t, "middle")<<24 | rapid.Uint64Range(0, 2).Draw(t, "last")
}

// An index finds each hash that was added, also after it was written, after it
// was opened again, and after a Write that was not completed.
func TestWhatWasAddedIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		form := hashindex.Form{Hash: rapid.IntRange(1, 6).Draw(t, "hash"), Number: rapid.IntRange(0, 2).Draw(t, "number")}
		ctx, store := context.Background(), state.NewMemory()
		open := func() *hashindex.Index {
			x, err := hashindex.Open(ctx, store, prefix, form)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		x := open()
		type added struct{ hash, number uint64 }
		var all, written []added
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				op, err := x.Write(ctx, segment.Pos{File: 1, Offset: uint64(len(all))})
				if err := errors.Join(err, store.Commit(ctx, op)); err != nil {
					t.Fatal(err)
				}
				written = slices.Clone(all)
			case 1: // the process dies before the last commit
				if _, err := x.Write(ctx, segment.Pos{File: 9}); err != nil {
					t.Fatal(err)
				}
				fallthrough
			case 2:
				x = open()
				if x.UpTo().Offset != uint64(len(written)) || x.Len() != len(written) {
					t.Fatalf("%d hashes up to %v, %d were written", x.Len(), x.UpTo(), len(written))
				}
				for _, a := range all[len(written):] { // that follow UpTo
					x.Add(a.hash, a.number)
				}
			default:
				a := added{hash: clash(t), number: uint64(len(all))}
				x.Add(a.hash, a.number)
				all = append(all, a)
			}
			if x.Len() != len(all) || x.Recent() != len(all)-len(written) {
				t.Fatalf("%d of %d hashes, %d of them recent", x.Len(), len(all), x.Recent())
			}
		}
		for _, a := range all {
			numbers, err := x.Find(ctx, a.hash)
			if form.Number == 0 {
				a.number = 0
				for i := range numbers { // those of recent ones are as they were added
					numbers[i] = 0
				}
			}
			if err != nil || !slices.Contains(numbers, a.number) {
				t.Fatalf("%x is number %d: found %v, %v", a.hash, a.number, numbers, err)
			}
		}
		if n, _, err := hashindex.Check(ctx, store, prefix, form); n != len(written) || err != nil {
			t.Fatalf("%d hashes are written, %v, want %d", n, err, len(written))
		}
	})
}

func hashOf(n int) uint64 { return uint64(n+1) * 0x9e3779b97f4a7c15 } //nolint:gosec // not negative

// filled returns a store with an index of so many hashes, written in parts.
func filled(tb testing.TB, store state.Store, form hashindex.Form, parts, each int) *hashindex.Index {
	tb.Helper()
	ctx := context.Background()
	x, err := hashindex.Open(ctx, store, prefix, form)
	if err != nil {
		tb.Fatal(err)
	}
	for p := range parts {
		for n := range each {
			x.Add(hashOf(p*each+n), uint64(p*each+n)) //nolint:gosec // not negative
		}
		op, err := x.Write(ctx, segment.Pos{File: 1})
		if err := errors.Join(err, store.Commit(ctx, op)); err != nil {
			tb.Fatal(err)
		}
	}
	return x
}

// Hashes of the same first bits than fit into one record take several.
func TestALargeBucketHasSeveralRecords(t *testing.T) {
	t.Parallel()
	ctx, store, form := context.Background(), state.NewMemory(), hashindex.Form{Hash: 4, Number: 6}
	x, err := hashindex.Open(ctx, store, prefix, form)
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(2000) {
		x.Add(n<<22, n)
	}
	op, err := x.Write(ctx, segment.Pos{})
	if err := errors.Join(err, store.Commit(ctx, op)); err != nil {
		t.Fatal(err)
	}
	for n := range uint64(2000) {
		if numbers, err := x.Find(ctx, n<<22); err != nil || !slices.Equal(numbers, []uint64{n}) {
			t.Fatalf("%d is %v, %v", n, numbers, err)
		}
	}
	if numbers, err := x.Find(ctx, 2000<<22); err != nil || len(numbers) > 0 {
		t.Errorf("a hash that was not added is %v, %v", numbers, err)
	}
}

// An index without one of its records, or with another header, is refused.
func TestAnIndexThatLacksHashesIsLost(t *testing.T) {
	t.Parallel()
	ctx, form := context.Background(), hashindex.Form{Hash: 6}
	whole := state.NewMemory()
	filled(t, whole, form, 2, 50)
	lost := 0
	for ; ; lost++ {
		store, n := state.NewMemory(), 0
		for rec, err := range whole.Scan(ctx, nil, nil) {
			if n++; err != nil {
				t.Fatal(err)
			}
			if n-1 == lost && len(rec.Key) > len(prefix) {
				continue
			}
			value := rec.Value
			if n-1 == lost { // the header
				value = binary.BigEndian.AppendUint64(nil, 7)
			}
			if err := store.Commit(ctx, state.Put(slices.Clone(rec.Key), slices.Clone(value), rec.Rev)); err != nil {
				t.Fatal(err)
			}
		}
		if lost == n {
			break
		}
		_, err1 := hashindex.Open(ctx, store, prefix, form)
		_, _, err2 := hashindex.Check(ctx, store, prefix, form)
		if !errors.Is(err1, hashindex.ErrLost) || !errors.Is(err2, hashindex.ErrLost) {
			t.Errorf("without record %d: %v, %v", lost, err1, err2)
		}
	}
	if lost < 50 {
		t.Errorf("%d records", lost)
	}
}

// BenchmarkFind looks up hashes that are there, in an index that was written as
// often as one of ten million items is.
func BenchmarkFind(b *testing.B) {
	store, err := state.Open(b.TempDir()+"/state", state.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	const parts, each = 76, 1 << 17
	x := filled(b, store, hashindex.Form{Hash: 4, Number: 6}, parts, each)
	n := 0
	for b.Loop() {
		n = (n + 7919) % (parts * each)
		if _, err := x.Find(context.Background(), hashOf(n)); err != nil {
			b.Fatal(err)
		}
	}
}
