package accumulator_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/balerhq/baler/accumulator"
)

// TestAddingDoesNotAllocate measures whole batches, so that what a batch costs
// is in it too: with Release nothing, without it the memory of its items.
func TestAddingDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	released := func(_ context.Context, b accumulator.Batch[int]) error { b.Release(); return nil }
	kept := func(context.Context, accumulator.Batch[int]) error { return nil }
	limits := accumulator.Config{MaxItems: 100, MaxWait: time.Hour, MaxPending: 1024}
	heavy := limits
	heavy.MaxWeight = 1000
	one := func(int) int { return 1 }
	tenants := []string{"a", "b", "c", "d"}
	tenant := func(v int) string { return tenants[v%len(tenants)] }
	some := make([]int, 32)
	for name, tc := range map[string]struct {
		stage  accumulator.Stage[int]
		handle func(context.Context, accumulator.Batch[int]) error
		add    func(ctx context.Context, acc *accumulator.Accumulator[int], p *accumulator.Producer[int], i int)
		most   float64 // per 1,000 calls
	}{
		"Add": {
			accumulator.New[int](limits), released,
			func(ctx context.Context, acc *accumulator.Accumulator[int], _ *accumulator.Producer[int], i int) {
				_ = acc.Add(ctx, i)
			}, 1,
		},
		"Add without Release": {
			accumulator.New[int](limits), kept,
			func(ctx context.Context, acc *accumulator.Accumulator[int], _ *accumulator.Producer[int], i int) {
				_ = acc.Add(ctx, i)
			}, 25,
		},
		"Add with weights": {
			accumulator.New[int](heavy).WeighBy(one), released,
			func(ctx context.Context, acc *accumulator.Accumulator[int], _ *accumulator.Producer[int], i int) {
				_ = acc.Add(ctx, i)
			}, 1,
		},
		"Add with keys": {
			accumulator.By(tenant, limits), released,
			func(ctx context.Context, acc *accumulator.Accumulator[int], _ *accumulator.Producer[int], i int) {
				_ = acc.Add(ctx, i)
			}, 1,
		},
		"AddMany": {
			accumulator.New[int](limits), released,
			func(ctx context.Context, acc *accumulator.Accumulator[int], _ *accumulator.Producer[int], _ int) {
				_, _ = acc.AddMany(ctx, some)
			}, 32,
		},
		"AddMany with keys": {
			accumulator.By(tenant, limits), released,
			func(ctx context.Context, acc *accumulator.Accumulator[int], _ *accumulator.Producer[int], _ int) {
				_, _ = acc.AddMany(ctx, some)
			}, 32,
		},
		"Producer": {
			accumulator.New[int](limits), released,
			func(ctx context.Context, _ *accumulator.Accumulator[int], p *accumulator.Producer[int], i int) {
				_ = p.Add(ctx, i)
			}, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			acc := start(t, tc.stage, tc.handle)
			p := acc.Producer()
			calls := func() {
				for i := range 1000 {
					tc.add(t.Context(), acc, p, i)
				}
				// All is released before the next run, which then need not
				// wait.
				if err := acc.Flush(t.Context()); err != nil {
					t.Error(err)
				}
			}
			calls()
			const flush = 3 // allocations of Flush itself
			if n := testing.AllocsPerRun(100, calls); n > tc.most+flush {
				t.Errorf("%v allocations for 1,000 calls, want at most %v", n, tc.most+flush)
			}
			mustClose(t, acc)
		})
	}
}

func TestForgottenKeysCostNoMemory(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("a million keys take long")
	}
	acc := start(t, accumulator.By(func(v int) string { return fmt.Sprint("tenant-", v) }, accumulator.Config{MaxItems: 10, MaxKeys: 1000}),
		func(_ context.Context, b accumulator.Batch[int]) error { b.Release(); return nil })
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	see := func(from, to int) {
		for v := from; v < to; v++ {
			if err := acc.Add(t.Context(), v); err != nil {
				t.Fatal(err)
			}
		}
	}
	see(0, 10_000)
	before := heap()
	see(10_000, 1_000_000)
	if after := heap(); after > before+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes over a million keys", before, after)
	}
	if n := acc.Stats().Open; n != 1000 {
		t.Errorf("%d keys are open, want 1000", n)
	}
	mustClose(t, acc)
}
