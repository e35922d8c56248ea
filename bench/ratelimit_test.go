package bench

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/balerhq/baler/ratelimit"
)

// A cost in all dimensions, and limits that never refuse it, so that the price
// of asking is what is measured.
var (
	rateCost  = ratelimit.Cost{Requests: 1, InputTokens: 800, OutputTokens: 80, Slots: 1}
	rateUsed  = ratelimit.Cost{Requests: 1, InputTokens: 700, OutputTokens: 60}
	unlimited = ratelimit.Config{
		Requests: 1 << 40, InputTokens: 1 << 50, OutputTokens: 1 << 50, Slots: 1 << 40,
	}
)

func rateLimiter(b *testing.B, c ratelimit.Config) *ratelimit.Limiter {
	b.Helper()
	l, err := ratelimit.NewLimiter(c)
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// BenchmarkRateTryTake asks for four dimensions at once; its contestant for
// three, with a limiter each, which is not all or nothing.
func BenchmarkRateTryTake(b *testing.B) {
	b.Run("baler", func(b *testing.B) {
		l := rateLimiter(b, unlimited)
		now := time.Now()
		b.ReportAllocs()
		for b.Loop() {
			now = now.Add(time.Microsecond)
			if _, ok := l.TryTake(now, rateCost); !ok {
				b.Fatal("refused")
			}
		}
	})
	b.Run("baler-refused", func(b *testing.B) {
		l := rateLimiter(b, ratelimit.Per(1, time.Hour))
		now := time.Now()
		l.TryTake(now, rateCost)
		b.ReportAllocs()
		for b.Loop() {
			now = now.Add(time.Nanosecond)
			if _, ok := l.TryTake(now, rateCost); ok {
				b.Fatal("passed")
			}
		}
	})
	b.Run("x-time-rate-thrice", func(b *testing.B) {
		var limiters [3]*rate.Limiter
		for i := range limiters {
			limiters[i] = rate.NewLimiter(1e12, math.MaxInt)
		}
		now := time.Now()
		b.ReportAllocs()
		for b.Loop() {
			now = now.Add(time.Microsecond)
			if !limiters[0].AllowN(now, 1) || !limiters[1].AllowN(now, 800) || !limiters[2].AllowN(now, 80) {
				b.Fatal("refused")
			}
		}
	})
}

// BenchmarkRateWait is the whole call as a worker makes it, clock and settling
// included, from one to many goroutines.
func BenchmarkRateWait(b *testing.B) {
	for _, workers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint("baler/workers=", workers), func(b *testing.B) {
			l := rateLimiter(b, unlimited)
			spread(b, workers, func(ctx context.Context) {
				if l.Wait(ctx, rateCost) == nil {
					l.Settle(rateCost, rateUsed)
				}
			})
		})
		b.Run(fmt.Sprint("x-time-rate-thrice/workers=", workers), func(b *testing.B) {
			requests, input, output := rate.NewLimiter(1e12, math.MaxInt), rate.NewLimiter(1e12, math.MaxInt), rate.NewLimiter(1e12, math.MaxInt)
			spread(b, workers, func(ctx context.Context) {
				_ = requests.Wait(ctx)
				_ = input.WaitN(ctx, 800)
				_ = output.WaitN(ctx, 80)
			})
		})
	}
}

// BenchmarkRateQueue is a Wait that has to queue behind others: one slot, whose
// holder lets the others run before it passes it on.
func BenchmarkRateQueue(b *testing.B) {
	for _, workers := range []int{8, 1000} {
		b.Run(fmt.Sprint("workers=", workers), func(b *testing.B) {
			l := rateLimiter(b, ratelimit.Config{Slots: 1})
			slot := ratelimit.Cost{Slots: 1}
			spread(b, workers, func(ctx context.Context) {
				if l.Wait(ctx, slot) == nil {
					runtime.Gosched()
					l.Settle(slot, ratelimit.Cost{})
				}
			})
		})
	}
}

// spread divides b.N calls among workers.
func spread(b *testing.B, workers int, call func(context.Context)) {
	b.Helper()
	b.ReportAllocs()
	var running sync.WaitGroup
	for w := range workers {
		running.Go(func() {
			for range (b.N + workers - 1 - w) / workers {
				call(b.Context())
			}
		})
	}
	running.Wait()
}

// BenchmarkPaceBy lets values of 1,000 keys pass, none of which has to wait.
func BenchmarkPaceBy(b *testing.B) {
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprint("tenant-", i)
	}
	stage := ratelimit.PaceBy(func(i int) string { return keys[i] }, ratelimit.PaceConfig[int]{
		Limits: func(string) ratelimit.Config { return ratelimit.Per(1<<40, time.Minute) },
	})
	b.ReportAllocs()
	in, out := make(chan []int, 1), make(chan []int, 1)
	go func() {
		defer close(in)
		spare := make([]int, 0, 128)
		for i := range b.N {
			if spare = append(spare, i%len(keys)); len(spare) == cap(spare) {
				in <- spare
				spare = make([]int, 0, 128)
			}
		}
		in <- spare
	}()
	go func() {
		defer close(out)
		if err := stage.Run(b.Context(), in, out); err != nil {
			b.Error(err)
		}
	}()
	passed := 0
	for values := range out {
		passed += len(values)
	}
	if passed != b.N {
		b.Errorf("%d of %d values passed", passed, b.N)
	}
}
