package bench_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/reugn/go-streams"
	ext "github.com/reugn/go-streams/extension"
	gsflow "github.com/reugn/go-streams/flow"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/gostreams"
)

// timed returns how long f takes.
func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// best is the shortest time of several runs: on a machine that others use, the
// one that they disturbed least.
type best time.Duration

func (b *best) of(f func()) {
	if took := best(timed(f)); *b == 0 || took < *b {
		*b = took
	}
}

// per returns nanoseconds an item.
func (b best) per(n int) float64 { return float64(b) / float64(n) }

func upTo[T any](n int, item func(int) T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for i := 0; i < n && yield(item(i)); i++ {
		}
	}
}

func increment(_ context.Context, v int) (int, error) { return v + 1, nil }

// How k maps become a part of a pipeline.
func stages(p *flow.Pipeline, items <-chan []int, k int) <-chan []int {
	for range k {
		items = flow.Via(p, items, asStage(flow.Map(increment)))
	}
	return items
}

func fused(p *flow.Pipeline, items <-chan []int, k int) <-chan []int {
	for range k {
		items = flow.Via(p, items, flow.Map(increment))
	}
	return items
}

// chainOf runs n items through k maps.
func chainOf(b *testing.B, n, k int, maps func(*flow.Pipeline, <-chan []int, int) <-chan []int, opts ...flow.Option) {
	b.Helper()
	p := flow.New(b.Context(), opts...)
	items := maps(p, flow.From(p, upTo(n, func(i int) int { return i })), k)
	count, sum := 0, 0
	flow.To(p, items, func(_ context.Context, v int) error { count, sum = count+1, sum+v; return nil })
	if err := p.Wait(); err != nil || count != n || sum != n*(n-1)/2+n*k {
		b.Fatalf("%d items with sum %d: %v", count, sum, err)
	}
}

// theirChainOf is chainOf of go-streams.
func theirChainOf(b *testing.B, n, k int) {
	b.Helper()
	source := make(chan any)
	go func() {
		defer close(source)
		for i := range n {
			source <- i
		}
	}()
	var outlet streams.Flow = gsflow.NewPassThrough()
	ext.NewChanSource(source).Via(outlet)
	for range k {
		outlet = outlet.Via(gsflow.NewMap(func(v int) int { return v + 1 }, 1))
	}
	count, sum := 0, 0
	for v := range outlet.Out() {
		count, sum = count+1, sum+v.(int)
	}
	if count != n || sum != n*(n-1)/2+n*k {
		b.Fatalf("%d items with sum %d", count, sum)
	}
}

// BenchmarkFlowStage measures what one more 1:1 stage costs: the difference
// between 9 and 1 of them, by 8. The contestants take turns.
func BenchmarkFlowStage(b *testing.B) {
	const n, theirN = 1_000_000, 20_000
	var stage, together, theirs [2]best
	for b.Loop() {
		for i, k := range []int{1, 9} {
			stage[i].of(func() { chainOf(b, n, k, stages) })
			together[i].of(func() { chainOf(b, n, k, fused) })
			theirs[i].of(func() { theirChainOf(b, theirN, k) })
		}
	}
	b.ReportMetric((stage[1] - stage[0]).per(8*n), "ns/item/stage")
	b.ReportMetric((together[1] - together[0]).per(8*n), "ns/item/fused")
	b.ReportMetric((theirs[1] - theirs[0]).per(8*theirN), "ns/item/go-streams")
	b.ReportMetric(0, "ns/op")
}

// asStage hides that f is a Func, which would be fused.
func asStage[In, Out any](f flow.Func[In, Out]) flow.Stage[In, Out] {
	return flow.StageFunc[In, Out](f.Run)
}

// BenchmarkFlowStats measures what counters cost: three maps, each in a
// goroutine of its own, without and with WithStats, in turns.
func BenchmarkFlowStats(b *testing.B) {
	const n = 1_000_000
	var off, on best
	for b.Loop() {
		off.of(func() { chainOf(b, n, 3, stages) })
		on.of(func() { chainOf(b, n, 3, stages, flow.WithStats()) })
	}
	b.ReportMetric(off.per(n), "ns/item/off")
	b.ReportMetric(on.per(n), "ns/item/on")
	b.ReportMetric(float64(on)/float64(off), "x")
	b.ReportMetric(0, "ns/op")
}

// keyName returns one of eight keys.
func keyName(n int) string { return [...]string{"a", "b", "c", "d", "e", "f", "g", "h"}[n&7] }

// kind is what the pipeline benchmark does with items of one type.
type kind[T any] struct {
	make func(int) T
	keep func(T) bool
	next func(context.Context, T) (T, error)
	key  func(T) string
}

var (
	intKind = kind[int]{
		make: func(i int) int { return i },
		keep: func(v int) bool { return v%10 != 0 },
		next: increment,
		key:  keyName,
	}
	wideKind = kind[wide]{
		make: func(i int) wide { return wide{n: i} },
		keep: func(v wide) bool { return v.n%10 != 0 },
		next: func(_ context.Context, v wide) (wide, error) { v.n++; return v, nil },
		key:  func(v wide) string { return keyName(v.n) },
	}
)

// ours is source, filter, map, keyed batches of 100, sink.
func ours[T any](tb testing.TB, n int, k kind[T]) {
	tb.Helper()
	p := flow.New(tb.Context())
	items := flow.From(p, upTo(n, k.make))
	next := flow.Via(p, flow.Via(p, items, flow.Filter(k.keep)), flow.Map(k.next))
	batches := flow.Via(p, next, accumulator.By(k.key, limits))
	count := 0
	flow.To(p, batches, func(_ context.Context, batch accumulator.Batch[T]) error {
		count += len(batch.Items)
		batch.Release()
		return nil
	})
	if err := p.Wait(); err != nil || count != n-(n+9)/10 {
		tb.Fatalf("%d of %d items arrived: %v", count, n, err)
	}
}

// theirs is the same in go-streams.
func theirs[T any](b *testing.B, n int, k kind[T]) {
	b.Helper()
	source := make(chan any)
	go func() {
		defer close(source)
		for i := range n {
			source <- k.make(i)
		}
	}()
	next := func(v T) T {
		v, _ = k.next(context.Background(), v)
		return v
	}
	out := ext.NewChanSource(source).
		Via(gsflow.NewFilter(k.keep, 1)).
		Via(gsflow.NewMap(next, 1)).
		Via(gsflow.NewKeyed(k.key, func() streams.Flow { return gsflow.NewBatch[T](limits.MaxItems, limits.MaxWait) })).
		Out()
	count := 0
	for batch := range out {
		count += len(batch.([]T))
	}
	if count != n-(n+9)/10 {
		b.Fatalf("%d of %d items arrived", count, n)
	}
}

// BenchmarkFlowPipeline compares source, filter, map, keyed batches and sink
// with go-streams, in turns.
func BenchmarkFlowPipeline(b *testing.B) {
	b.Run("int", func(b *testing.B) { comparePipelines(b, intKind) })
	b.Run("wide", func(b *testing.B) { comparePipelines(b, wideKind) })
}

func comparePipelines[T any](b *testing.B, k kind[T]) {
	b.Helper()
	const n, theirN = 1_000_000, 20_000
	var mine, other best
	for b.Loop() {
		mine.of(func() { ours(b, n, k) })
		other.of(func() { theirs(b, theirN, k) })
	}
	b.ReportMetric(mine.per(n), "ns/item")
	b.ReportMetric(other.per(theirN), "ns/item/go-streams")
	b.ReportMetric(other.per(theirN)/mine.per(n), "x")
	b.ReportMetric(0, "ns/op")
}

// throughFlow sends n items, in chunks if they are larger than one, through a
// go-streams Flow that batches.
func throughFlow(b *testing.B, n, chunk int, f streams.Flow, size func(any) int) {
	b.Helper()
	go func() {
		defer close(f.In())
		for i := 0; i < n; i += chunk {
			if chunk == 1 {
				f.In() <- i
			} else {
				f.In() <- make([]int, min(chunk, n-i))
			}
		}
	}()
	count := 0
	for batch := range f.Out() {
		count += size(batch)
	}
	if count != n {
		b.Fatalf("%d of %d items arrived", count, n)
	}
}

// BenchmarkFlowAdapter compares the accumulator as a go-streams Flow with
// flow.Batch, in turns.
func BenchmarkFlowAdapter(b *testing.B) {
	const n = 100_000
	var items, chunks, other best
	ours := func() streams.Flow { return gostreams.NewFlow(b.Context(), accumulator.New[int](limits)) }
	size := func(v any) int { return len(v.(accumulator.Batch[int]).Items) }
	for b.Loop() {
		items.of(func() { throughFlow(b, n, 1, ours(), size) })
		chunks.of(func() { throughFlow(b, n, 32, ours(), size) })
		other.of(func() {
			throughFlow(b, n, 1, gsflow.NewBatch[int](limits.MaxItems, limits.MaxWait), func(v any) int { return len(v.([]int)) })
		})
	}
	b.ReportMetric(items.per(n), "ns/item")
	b.ReportMetric(chunks.per(n), "ns/item/slices")
	b.ReportMetric(other.per(n), "ns/item/go-streams")
	b.ReportMetric(float64(other)/float64(items), "x")
	b.ReportMetric(float64(other)/float64(chunks), "x/slices")
	b.ReportMetric(0, "ns/op")
}
