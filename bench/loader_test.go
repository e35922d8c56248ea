package bench_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/balerhq/baler/accumulator"
)

// BenchmarkDo has 1,000 callers that each wait for the result of their item.
func BenchmarkDo(b *testing.B) {
	stage := accumulator.New[int](accumulator.Config{MaxItems: 100, MaxWait: time.Millisecond})
	load := func(_ context.Context, batch accumulator.Batch[int]) ([]accumulator.Result[int], error) {
		results := make([]accumulator.Result[int], len(batch.Items))
		for i, item := range batch.Items {
			results[i].Value = 2 * item
		}
		batch.Release()
		return results, nil
	}
	for name, cancellable := range map[string]bool{"background": false, "cancellable": true} {
		b.Run(name, func(b *testing.B) {
			ctx := context.Background()
			if cancellable {
				ctx = b.Context()
			}
			l, err := accumulator.NewLoader(context.Background(), stage, load)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetParallelism(1000 / runtime.GOMAXPROCS(0))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if twice, err := l.Do(ctx, 21); err != nil || twice != 42 {
						b.Error(twice, err)
					}
				}
			})
			if err := l.Close(context.Background()); err != nil {
				b.Error(err)
			}
		})
	}
}
