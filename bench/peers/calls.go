package main

import (
	"github.com/projectdiscovery/utils/batcher"
	"github.com/samber/ro"
	"google.golang.org/api/support/bundler"
)

func projectdiscovery[T any](j *job[T]) error {
	b := batcher.New(
		batcher.WithMaxCapacity[T](batchSize),
		batcher.WithFlushInterval[T](timeout),
		batcher.WithFlushCallback(j.take),
	)
	b.Run()
	j.share(func(from, to int) {
		for i := from; i < to; i++ {
			b.Append(j.item(i))
		}
	})
	b.Stop()
	b.WaitDone()
	return nil
}

// bundlerAdd has no backpressure: its limit is set so high that Add never
// fails. AddWait, which has, is slower.
func bundlerAdd[T any](j *job[T]) error {
	var example T
	b := bundler.NewBundler(example, func(batch any) { j.take(batch.([]T)) })
	b.DelayThreshold = timeout
	b.BundleCountThreshold = batchSize
	b.BufferedByteLimit = 1 << 40
	b.BundleByteThreshold = 1 << 40
	j.share(func(from, to int) {
		for i := from; i < to; i++ {
			_ = b.Add(j.item(i), 1)
		}
	})
	b.Flush()
	return nil
}

func roSubject[T any](j *job[T]) error {
	subject := ro.NewPublishSubject[T]()
	done := make(chan error, 1)
	ro.BufferWithTimeOrCount[T](batchSize, timeout)(subject).Subscribe(ro.NewObserver(
		j.take, func(err error) { done <- err }, func() { done <- nil },
	))
	j.share(func(from, to int) {
		for i := from; i < to; i++ {
			subject.Next(j.item(i))
		}
	})
	subject.Complete()
	return <-done
}
