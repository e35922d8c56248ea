package bench

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/queue"
)

// BenchmarkQueueProducers moves items from producers to two consumers through a
// queue of 1024 that is mostly full, in turns with a buffered channel of the
// same size. x-channel is how many times longer the queue takes; it should not
// rise with the producers.
func BenchmarkQueueProducers(b *testing.B) {
	const size = 1024
	for _, producers := range []int{1, 8, 64} {
		b.Run(strconv.Itoa(producers), func(b *testing.B) {
			var turns turns
			for b.Loop() {
				c, q := make(chan queueItem, size), queue.By(queueItem.Level, queue.Config{Capacity: size})
				turns.take(func() {
					share(producers, func(v queueItem) { c <- v }, func() bool {
						_, ok := <-c
						return ok
					})(func() { close(c) })
				}, func() {
					share(producers, func(v queueItem) { must(b, q.Push(b.Context(), v)) }, func() bool {
						_, err := q.Pop(b.Context())
						return err == nil
					})(q.Close)
				})
			}
			turns.report(b, shareLen, "channel-ns/item")
			b.ReportMetric(1/median(turns.ratio), "x-channel")
		})
	}
}

// shareLen is how many items one call of share moves.
const shareLen = 64 << 10

// share starts producers and two consumers. The function that it returns waits
// for the producers, calls end and waits for the consumers.
func share(producers int, push func(queueItem), pop func() bool) func(end func()) {
	var made, taken sync.WaitGroup
	for p := range producers {
		made.Go(func() {
			for i := p; i < shareLen; i += producers {
				push(queueItem{level: queue.Priority(i%4) + queue.PriorityLow})
			}
		})
	}
	for range 2 {
		taken.Go(func() {
			for pop() {
			}
		})
	}
	return func(end func()) {
		made.Wait()
		end()
		taken.Wait()
	}
}

// BenchmarkQueueMemory reports the bytes that a million queued items take, each
// of 40 bytes itself.
func BenchmarkQueueMemory(b *testing.B) {
	items := queueItems(queued)
	for _, c := range queueContestants {
		b.Run(c.name, func(b *testing.B) {
			perItem := 0.0
			for b.Loop() {
				before := heapInUse()
				q := c.new()
				for _, v := range items {
					must(b, q.Push(b.Context(), v))
				}
				perItem = float64(heapInUse()-before) / queued
				runtime.KeepAlive(q)
			}
			b.ReportMetric(perItem, "B/item")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkQueueStage passes items through the queue as a stage between two
// channels, in slices of 64.
func BenchmarkQueueStage(b *testing.B) {
	for _, slice := range []int{1, 64} {
		b.Run(fmt.Sprintf("slice-%d", slice), func(b *testing.B) {
			q := queue.By(queueItem.Level, queue.Config{Slice: slice})
			in, out := make(chan []queueItem), make(chan []queueItem)
			done := make(chan error, 1)
			go func() {
				done <- q.Run(context.Background(), in, out)
				close(out)
			}()
			items := queueItems(64)
			start := time.Now()
			go func() {
				for n := 0; n < b.N; n += len(items) {
					in <- items
				}
				close(in)
			}()
			got := 0
			for vs := range out {
				got += len(vs)
			}
			b.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(got), "ns/item")
			must(b, <-done)
		})
	}
}

// BenchmarkQueueIndex measures what an id costs at a depth of a million.
func BenchmarkQueueIndex(b *testing.B) {
	q := queue.By(queueItem.Due, roomy).Index(queueItem.ID)
	items := queueItems(queued)
	for _, v := range items {
		must(b, q.Push(b.Context(), v))
	}
	at := func(i int) string { return items[(i*7919)%queued].name }
	b.Run("position", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			_, err := q.Position(at(i))
			must(b, err)
		}
	})
	b.Run("update", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			must(b, q.Update(at(i), func(v queueItem) queueItem { v.due = items[i%queued].due; return v }))
		}
	})
	b.Run("remove+push", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			v, err := q.Remove(at(i))
			must(b, err)
			must(b, q.Push(b.Context(), v))
		}
	})
}
