package main

import (
	"context"
	"sync"

	"github.com/balerhq/baler/accumulator"
)

var limits = accumulator.Config{MaxItems: batchSize, MaxWait: timeout}

// begin starts an Accumulator for the job. Batches are released.
func begin[T any](j *job[T], s accumulator.Stage[T]) (*accumulator.Accumulator[T], error) {
	return s.Start(context.Background(), func(_ context.Context, b accumulator.Batch[T]) error {
		j.take(b.Items)
		b.Release()
		return nil
	})
}

func end[T any](a *accumulator.Accumulator[T]) error {
	_, err := a.Close(context.Background())
	return err
}

func balerAdd[T any](j *job[T]) error {
	a, err := begin(j, accumulator.New[T](limits))
	if err != nil {
		return err
	}
	ctx := context.Background()
	j.share(func(from, to int) {
		for i := from; i < to; i++ {
			_ = a.Add(ctx, j.item(i)) // what was not taken is missing from the count
		}
	})
	return end(a)
}

func balerAddMany[T any](j *job[T]) error {
	a, err := begin(j, accumulator.New[T](limits))
	if err != nil {
		return err
	}
	j.share(func(from, to int) {
		const most = 32
		vs := make([]T, 0, most)
		for i := from; i < to; i++ {
			vs = append(vs, j.item(i))
			if len(vs) == most || i == to-1 {
				_, _ = a.AddMany(context.Background(), vs)
				vs = vs[:0]
			}
		}
	})
	return end(a)
}

func balerProducer[T any](j *job[T]) error {
	a, err := begin(j, accumulator.New[T](limits))
	if err != nil {
		return err
	}
	ctx := context.Background()
	j.share(func(from, to int) {
		p := a.Producer()
		for i := from; i < to; i++ {
			_ = p.Add(ctx, j.item(i))
		}
		_ = p.Close(ctx)
	})
	return end(a)
}

// balerKeyed has 1,000 keys open at a time; each is gone after 100 items.
func balerKeyed(j *job[int]) error {
	const open = 1000
	next := 0
	key := func(int) string {
		k := keys[(next/(batchSize*open)*open+next%open)%len(keys)]
		next++
		return k
	}
	a, err := begin(j, accumulator.By(key, limits))
	if err != nil {
		return err
	}
	ctx := context.Background()
	j.share(func(from, to int) {
		for i := from; i < to; i++ {
			_ = a.Add(ctx, j.item(i))
		}
	})
	return end(a)
}

// balerStage sits between channels of slices of 32.
func balerStage[T any](j *job[T]) error {
	in := make(chan []T, buffer/32)
	out := make(chan []accumulator.Batch[T], 4)
	var failed error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(out)
		failed = accumulator.New[T](limits).Run(context.Background(), in, out)
	})
	wg.Go(func() {
		defer close(in)
		j.share(func(from, to int) {
			for i := from; i < to; {
				vs := make([]T, 0, 32)
				for ; i < to && len(vs) < cap(vs); i++ {
					vs = append(vs, j.item(i))
				}
				in <- vs
			}
		})
	})
	for batches := range out {
		for i := range batches {
			j.take(batches[i].Items)
			batches[i].Release()
		}
	}
	wg.Wait()
	return failed
}
