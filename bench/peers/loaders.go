package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elgopher/batch"
	"github.com/graph-gophers/dataloader/v7"
	"google.golang.org/api/support/bundler"

	"github.com/balerhq/baler/accumulator"
)

const (
	callers = 1000
	bare    = "lock and channel per batch, bare"
)

// asked is a job of many callers that each wait for the result of their own
// item before they ask for the next. A result is twice the item.
type asked struct {
	n      int // a multiple of batchSize, so that the last batch is full, too
	next   atomic.Int64
	failed atomic.Int64 // results that are not those of the item
	over   atomic.Int64 // batches that are too large
}

// ask lets all callers ask until there are no items left.
func (j *asked) ask(do func(item int) (int, error)) {
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := int(j.next.Add(1)); i <= j.n; i = int(j.next.Add(1)) {
				if twice, err := do(i); err != nil || twice != 2*i {
					j.failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
}

func (j *asked) check(size int) {
	if size > batchSize {
		j.over.Add(1)
	}
}

func enterLoader(name string, do func(*asked) error) entry {
	return entry{name, func(n int) error {
		j := &asked{n: n - n%batchSize}
		if err := do(j); err != nil {
			return err
		}
		if j.failed.Load() > 0 || j.over.Load() > 0 {
			return fmt.Errorf("%d results are wrong, %d batches are too large", j.failed.Load(), j.over.Load())
		}
		return nil
	}}
}

func loaders() []entry {
	return []entry{
		enterLoader("baler Do", balerDo),
		enterLoader("baler Do, with a context", balerDoContext),
		enterLoader("dataloader", dataLoader),
		enterLoader("bundler and a channel", bundlerChannel),
		enterLoader("elgopher", elgopher),
		enterLoader(bare, bareLoader),
	}
}

func balerDo(j *asked) error { return balerLoader(j, false) }

// balerDoContext has callers that could leave, as those of a server can.
func balerDoContext(j *asked) error { return balerLoader(j, true) }

func balerLoader(j *asked, cancellable bool) error {
	ctx := context.Background()
	if cancellable {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
	}
	l, err := accumulator.NewLoader(context.Background(), accumulator.New[int](limits),
		func(_ context.Context, b accumulator.Batch[int]) ([]accumulator.Result[int], error) {
			j.check(len(b.Items))
			results := make([]accumulator.Result[int], len(b.Items))
			for i, item := range b.Items {
				results[i].Value = 2 * item
			}
			b.Release()
			return results, nil
		})
	if err != nil {
		return err
	}
	j.ask(func(item int) (int, error) { return l.Do(ctx, item) })
	return l.Close(context.Background())
}

func dataLoader(j *asked) error {
	l := dataloader.NewBatchedLoader(func(_ context.Context, items []int) []*dataloader.Result[int] {
		j.check(len(items))
		results := make([]*dataloader.Result[int], len(items))
		for i, item := range items {
			results[i] = &dataloader.Result[int]{Data: 2 * item}
		}
		return results
	},
		dataloader.WithBatchCapacity[int, int](batchSize),
		dataloader.WithInputCapacity[int, int](batchSize),
		dataloader.WithWait[int, int](timeout),
		dataloader.WithCache[int, int](&dataloader.NoCache[int, int]{}),
	)
	j.ask(func(item int) (int, error) { return l.Load(context.Background(), item)() })
	return nil
}

// bundlerChannel is what its users write: each item brings a channel.
func bundlerChannel(j *asked) error {
	type call struct {
		item   int
		result chan int
	}
	b := bundler.NewBundler((*call)(nil), func(batch any) {
		calls := batch.([]*call)
		j.check(len(calls))
		for _, c := range calls {
			c.result <- 2 * c.item
		}
	})
	b.DelayThreshold = timeout
	b.BundleCountThreshold = batchSize
	b.BufferedByteLimit = 1 << 40
	b.BundleByteThreshold = 1 << 40
	j.ask(func(item int) (int, error) {
		c := &call{item, make(chan int, 1)}
		if err := b.Add(c, 1); err != nil {
			return 0, err
		}
		return <-c.result, nil
	})
	b.Flush()
	return nil
}

// elgopher has batches of a time, not of a size: here of a millisecond, in which
// all callers fit. It runs the operations of a batch one by one, and lets the
// callers go at its end.
func elgopher(j *asked) error {
	p := batch.StartProcessor(batch.Options[*int]{MinDuration: time.Millisecond, MaxDuration: timeout})
	defer p.Stop()
	j.ask(func(item int) (twice int, err error) {
		err = p.Run(context.Background(), "", func(*int) { twice = 2 * item })
		return twice, err
	})
	return nil
}

// bareLoader is the least that the job takes: a lock around a batch, and a
// channel that is closed for all of its callers. It has no timeout, no error,
// no context and no bound.
func bareLoader(j *asked) error {
	type batch struct {
		items, results []int
		ready          chan struct{}
	}
	var mu sync.Mutex
	full := make(chan *batch, callers)
	begin := func() *batch { return &batch{items: make([]int, 0, batchSize), ready: make(chan struct{})} }
	current := begin()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for b := range full {
			j.check(len(b.items))
			b.results = make([]int, len(b.items))
			for i, item := range b.items {
				b.results[i] = 2 * item
			}
			close(b.ready)
		}
	}()
	j.ask(func(item int) (int, error) {
		mu.Lock()
		b, at := current, len(current.items)
		b.items = append(b.items, item)
		if len(b.items) == batchSize {
			full <- b
			current = begin()
		}
		mu.Unlock()
		<-b.ready
		return b.results[at], nil
	})
	close(full)
	<-done
	if len(current.items) > 0 {
		return errors.New("the last batch is not full")
	}
	return nil
}
