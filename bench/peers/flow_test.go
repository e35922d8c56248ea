package main

import (
	"context"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/destel/rill"
	"github.com/reugn/go-streams"
	ext "github.com/reugn/go-streams/extension"
	gsflow "github.com/reugn/go-streams/flow"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
)

// story is the job of the pipeline benchmark: source, filter, map, batches of
// 100, sink. All contestants use the same functions.
type story[T any] struct {
	make func(int) T
	keep func(T) bool
	next func(T) T
	try  func(T) (T, error)                  // next, as rill takes it
	do   func(context.Context, T) (T, error) // next, as Baler takes it
	key  func(T) string
}

type wideItem struct {
	n int
	_ [15]int
}

func keyName(n int) string { return [...]string{"a", "b", "c", "d", "e", "f", "g", "h"}[n&7] }

var (
	intStory = story[int]{
		make: func(i int) int { return i },
		keep: func(v int) bool { return v%10 != 0 },
		next: func(v int) int { return v + 1 },
		try:  func(v int) (int, error) { return v + 1, nil },
		do:   func(_ context.Context, v int) (int, error) { return v + 1, nil },
		key:  keyName,
	}
	wideStory = story[wideItem]{
		make: func(i int) wideItem { return wideItem{n: i} },
		keep: func(v wideItem) bool { return v.n%10 != 0 },
		next: func(v wideItem) wideItem { v.n++; return v },
		try:  func(v wideItem) (wideItem, error) { v.n++; return v, nil },
		do:   func(_ context.Context, v wideItem) (wideItem, error) { v.n++; return v, nil },
		key:  func(v wideItem) string { return keyName(v.n) },
	}
)

const (
	storySize = 100
	storyWait = time.Second
)

// byFlow runs n items through Baler, in keyed batches.
func byFlow[T any](b *testing.B, n int, s story[T]) (count int) {
	b.Helper()
	p := flow.New(context.Background())
	items := flow.From(p, func(yield func(T) bool) {
		for i := 0; i < n && yield(s.make(i)); i++ {
		}
	})
	kept := flow.Via(p, items, flow.Filter(s.keep))
	next := flow.Via(p, kept, flow.Map(s.do))
	batches := flow.Via(p, next, accumulator.By(s.key, accumulator.Config{MaxItems: storySize, MaxWait: storyWait}))
	flow.To(p, batches, func(_ context.Context, batch accumulator.Batch[T]) error {
		count += len(batch.Items)
		batch.Release()
		return nil
	})
	if err := p.Wait(); err != nil {
		b.Fatal(err)
	}
	return count
}

// byRill does the same without keys, which it does not have for batches.
func byRill[T any](b *testing.B, n int, s story[T]) (count int) {
	b.Helper()
	source := rill.Generate(func(send func(T), _ func(error)) {
		for i := range n {
			send(s.make(i))
		}
	})
	kept := rill.OrderedFilter(source, 1, func(v T) (bool, error) { return s.keep(v), nil })
	next := rill.OrderedMap(kept, 1, s.try)
	err := rill.ForEach(rill.Batch(next, storySize, storyWait), 1, func(batch []T) error { count += len(batch); return nil })
	if err != nil {
		b.Fatal(err)
	}
	return count
}

// byGoStreams does the same, in keyed batches.
func byGoStreams[T any](_ *testing.B, n int, s story[T]) (count int) {
	source := make(chan any)
	go func() {
		defer close(source)
		for i := range n {
			source <- s.make(i)
		}
	}()
	out := ext.NewChanSource(source).
		Via(gsflow.NewFilter(s.keep, 1)).
		Via(gsflow.NewMap(s.next, 1)).
		Via(gsflow.NewKeyed(s.key, func() streams.Flow { return gsflow.NewBatch[T](storySize, storyWait) })).
		Out()
	for batch := range out {
		count += len(batch.([]T))
	}
	return count
}

// BenchmarkFlowPipeline runs the contestants in turns, beside 64 MB of live
// memory as a program has it that does something, and reports the best round of
// each in nanoseconds an item, and ratios of the best rounds and of the
// processor time.
func BenchmarkFlowPipeline(b *testing.B) {
	b.Run("int", func(b *testing.B) { race(b, intStory) })
	b.Run("wide", func(b *testing.B) { race(b, wideStory) })
}

type contestant[T any] struct {
	name  string
	run   func(*testing.B, int, story[T]) int
	items int

	best, cpu float64 // nanoseconds an item
}

func race[T any](b *testing.B, s story[T]) {
	b.Helper()
	ballast := make([]byte, 64<<20)
	defer runtime.KeepAlive(ballast)
	contestants := []*contestant[T]{
		{name: "baler", run: byFlow[T], items: 1_000_000},
		{name: "rill", run: byRill[T], items: 50_000},
		{name: "go-streams", run: byGoStreams[T], items: 50_000},
	}
	for b.Loop() {
		for _, c := range contestants {
			c.round(b, s)
		}
	}
	baler := contestants[0]
	b.ReportMetric(baler.best, "ns/item")
	b.ReportMetric(baler.cpu/float64(b.N), "cpu-ns/item")
	for _, c := range contestants[1:] {
		b.ReportMetric(c.best, "ns/item/"+c.name)
		b.ReportMetric(c.best/baler.best, "x/"+c.name)
		b.ReportMetric(c.cpu/baler.cpu, "x-cpu/"+c.name)
	}
	b.ReportMetric(0, "ns/op")
}

func (c *contestant[T]) round(b *testing.B, s story[T]) {
	b.Helper()
	start, cpu := time.Now(), processorTime(b)
	count := c.run(b, c.items, s)
	took := float64(time.Since(start).Nanoseconds()) / float64(c.items)
	c.cpu += float64((processorTime(b) - cpu).Nanoseconds()) / float64(c.items)
	if c.best == 0 || took < c.best {
		c.best = took
	}
	if want := c.items - (c.items+9)/10; count != want {
		b.Fatalf("%s: %d items, want %d", c.name, count, want)
	}
}

// processorTime is what the process has used so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
