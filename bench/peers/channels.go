package main

import (
	"context"

	"github.com/deliveryhero/pipeline/v2"
	"github.com/destel/rill"
	ext "github.com/reugn/go-streams/extension"
	"github.com/reugn/go-streams/flow"
	"github.com/samber/lo"
	"github.com/samber/ro"
)

// send feeds a new channel, and closes it.
func send[T any](j *job[T]) <-chan T {
	ch := make(chan T, buffer)
	go func() {
		defer close(ch)
		j.share(func(from, to int) {
			for i := from; i < to; i++ {
				ch <- j.item(i)
			}
		})
	}()
	return ch
}

func loBufferWithTimeout[T any](j *job[T]) error {
	in := send(j)
	for {
		batch, n, _, ok := lo.BufferWithTimeout(in, batchSize, timeout)
		if n > 0 {
			j.take(batch)
		}
		if !ok {
			return nil
		}
	}
}

func rillBatch[T any](j *job[T]) error {
	in := make(chan rill.Try[T], buffer)
	go func() {
		defer close(in)
		j.share(func(from, to int) {
			for i := from; i < to; i++ {
				in <- rill.Try[T]{Value: j.item(i)}
			}
		})
	}()
	for batch := range rill.Batch(in, batchSize, timeout) {
		if batch.Error != nil {
			return batch.Error
		}
		j.take(batch.Value)
	}
	return nil
}

func collect[T any](j *job[T]) error {
	for batch := range pipeline.Collect(context.Background(), batchSize, timeout, send(j)) {
		j.take(batch)
	}
	return nil
}

func roChannel[T any](j *job[T]) error {
	in := ro.FromChannel(send(j))
	done := make(chan error, 1)
	ro.BufferWithTimeOrCount[T](batchSize, timeout)(in).Subscribe(ro.NewObserver(
		j.take, func(err error) { done <- err }, func() { done <- nil },
	))
	return <-done
}

// goStreamsBatch writes to the flow and reads from it directly.
func goStreamsBatch[T any](j *job[T]) error {
	batch := flow.NewBatch[T](batchSize, timeout)
	ch := batch.In()
	go func() {
		defer close(ch)
		j.share(func(from, to int) {
			for i := from; i < to; i++ {
				ch <- j.item(i)
			}
		})
	}()
	for b := range batch.Out() {
		j.take(b.([]T))
	}
	return nil
}

// goStreamsPipe puts the flow between a source and a sink, as its users do.
func goStreamsPipe[T any](j *job[T]) error {
	in := make(chan any, buffer)
	out := make(chan any, buffer)
	go func() {
		defer close(in)
		j.share(func(from, to int) {
			for i := from; i < to; i++ {
				in <- j.item(i)
			}
		})
	}()
	go ext.NewChanSource(in).Via(flow.NewBatch[T](batchSize, timeout)).To(ext.NewChanSink(out))
	for b := range out {
		j.take(b.([]T))
	}
	return nil
}
