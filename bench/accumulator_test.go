package bench_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/accumulator"
)

var limits = accumulator.Config{MaxItems: 100, MaxWait: time.Second}

// wide is an item of 128 bytes.
type wide struct {
	n int
	_ [15]int
}

// tally checks what arrives: how many, their sum, and no batch over the limit.
type tally struct{ count, sum, largest int }

func (t *tally) add(sum, n int) {
	t.count += n
	t.sum += sum
	t.largest = max(t.largest, n)
}

func (t *tally) take(batch []int) {
	sum := 0
	for _, v := range batch {
		sum += v
	}
	t.add(sum, len(batch))
}

func (t *tally) check(b *testing.B, n, limit int) {
	b.Helper()
	if want := n * (n - 1) / 2; t.count != n || t.sum != want || t.largest > limit {
		b.Fatalf("%d items with sum %d, largest batch %d; want %d, %d, at most %d", t.count, t.sum, t.largest, n, want, limit)
	}
}

func ints(t *tally) func(context.Context, accumulator.Batch[int]) error {
	return func(_ context.Context, batch accumulator.Batch[int]) error {
		t.take(batch.Items)
		batch.Release()
		return nil
	}
}

// share runs producers that add the numbers from 0 to b.N-1 between them.
func share(b *testing.B, producers int, add func(from, to int)) {
	b.Helper()
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() { add(b.N*p/producers, b.N*(p+1)/producers) })
	}
	wg.Wait()
}

func closed[T any](b *testing.B, acc *accumulator.Accumulator[T]) {
	b.Helper()
	if left, err := acc.Close(b.Context()); err != nil || len(left) > 0 {
		b.Fatal(left, err)
	}
}

func start[T any](b *testing.B, s accumulator.Stage[T], handle func(context.Context, accumulator.Batch[T]) error) *accumulator.Accumulator[T] {
	b.Helper()
	acc, err := s.Start(b.Context(), handle)
	if err != nil {
		b.Fatal(err)
	}
	return acc
}

func BenchmarkAccumulatorAdd(b *testing.B) {
	for _, producers := range []int{1, 8} {
		b.Run(fmt.Sprintf("p%d", producers), func(b *testing.B) {
			b.ReportAllocs()
			var got tally
			acc := start(b, accumulator.New[int](limits), ints(&got))
			share(b, producers, func(from, to int) {
				for v := from; v < to; v++ {
					_ = acc.Add(b.Context(), v)
				}
			})
			closed(b, acc)
			got.check(b, b.N, 100)
		})
	}
}

func BenchmarkAccumulatorAddMany(b *testing.B) {
	for _, producers := range []int{1, 8} {
		b.Run(fmt.Sprintf("p%d", producers), func(b *testing.B) {
			b.ReportAllocs()
			var got tally
			acc := start(b, accumulator.New[int](limits), ints(&got))
			share(b, producers, func(from, to int) {
				vs := make([]int, 0, 32)
				for v := from; v < to; v++ {
					if vs = append(vs, v); len(vs) == cap(vs) || v == to-1 {
						_, _ = acc.AddMany(b.Context(), vs)
						vs = vs[:0]
					}
				}
			})
			closed(b, acc)
			got.check(b, b.N, 100)
		})
	}
}

func BenchmarkAccumulatorProducer(b *testing.B) {
	for _, producers := range []int{1, 8} {
		b.Run(fmt.Sprintf("p%d", producers), func(b *testing.B) {
			b.ReportAllocs()
			var got tally
			acc := start(b, accumulator.New[int](limits), ints(&got))
			share(b, producers, func(from, to int) {
				p := acc.Producer()
				for v := from; v < to; v++ {
					_ = p.Add(b.Context(), v)
				}
				_ = p.Close(b.Context())
			})
			closed(b, acc)
			got.check(b, b.N, 100)
		})
	}
}

func BenchmarkAccumulatorWide(b *testing.B) {
	for _, release := range []bool{false, true} {
		b.Run(fmt.Sprintf("release=%t", release), func(b *testing.B) {
			b.ReportAllocs()
			var got tally
			acc := start(b, accumulator.New[wide](limits), func(_ context.Context, batch accumulator.Batch[wide]) error {
				sum := 0
				for i := range batch.Items {
					sum += batch.Items[i].n
				}
				got.add(sum, len(batch.Items))
				if release {
					batch.Release()
				}
				return nil
			})
			for v := range b.N {
				_ = acc.Add(b.Context(), wide{n: v})
			}
			closed(b, acc)
			got.check(b, b.N, 100)
		})
	}
}

func BenchmarkAccumulatorWeighed(b *testing.B) {
	b.ReportAllocs()
	var got tally
	cfg := accumulator.Config{MaxItems: 1000, MaxWeight: 800, MaxWait: time.Second}
	acc := start(b, accumulator.New[int](cfg).WeighBy(func(int) int { return 8 }), ints(&got))
	for v := range b.N {
		_ = acc.Add(b.Context(), v)
	}
	closed(b, acc)
	got.check(b, b.N, 100)
}

// BenchmarkAccumulatorKeyed has 1,000 keys open at a time, and each key is
// gone after 100 items: 10 million items have seen 100,000 keys.
func BenchmarkAccumulatorKeyed(b *testing.B) {
	const open = 1000
	b.ReportAllocs()
	keys := make([]string, 1_000_000)
	for i := range keys {
		keys[i] = fmt.Sprintf("tenant-%07d", i)
	}
	key := func(v int) string { return keys[(v/(100*open)*open+v%open)%len(keys)] }
	var got tally
	acc := start(b, accumulator.By(key, limits), ints(&got))
	b.ResetTimer()
	for v := range b.N {
		_ = acc.Add(b.Context(), v)
	}
	closed(b, acc)
	got.check(b, b.N, 100)
}

func BenchmarkAccumulatorStage(b *testing.B) {
	for _, slice := range []int{1, 32} {
		b.Run(fmt.Sprintf("slices=%d", slice), func(b *testing.B) {
			b.ReportAllocs()
			var got tally
			in := make(chan []int, 16)
			out := make(chan []accumulator.Batch[int], 4)
			var wg sync.WaitGroup
			wg.Go(func() {
				defer close(out)
				_ = accumulator.New[int](limits).Run(b.Context(), in, out)
			})
			wg.Go(func() {
				defer close(in)
				for v := 0; v < b.N; v += slice {
					vs := make([]int, min(slice, b.N-v))
					for i := range vs {
						vs[i] = v + i
					}
					in <- vs
				}
			})
			handle := ints(&got)
			for batches := range out {
				for _, batch := range batches {
					_ = handle(b.Context(), batch)
				}
			}
			wg.Wait()
			got.check(b, b.N, 100)
		})
	}
}
