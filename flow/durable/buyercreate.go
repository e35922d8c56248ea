package durable

import (
	"context"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/retry"
)

// createLinger is how much longer a creation may take that is under way when
// the run ends. If it is not answered by then, the next process looks for the
// batch, which takes a grace at least.
const createLinger = 5 * time.Second

// createTime is how long a creation may take.
func (b *buyer) createTime(in intent.Intent) time.Duration {
	return purchase.CreateTime(in.File, b.batches.serviceOf(in).Limits(b.batches.spec(in).Model).Bytes)
}

// buyAt asks the provider once to create a batch. It returns the batch's name
// or the class of the answer.
func (b *buyer) buyAt(ctx context.Context, in intent.Intent) (batch string, class retry.Class, refusal error) {
	call, stop := lingering(ctx, time.Now().Add(b.createTime(in)), createLinger)
	defer stop()
	if ctx.Err() != nil { // while the journal was written
		return "", retry.Retryable, context.Cause(ctx)
	}
	call, sent := retry.Watch(call)
	rows := b.batches.payload(in)
	defer rows.close() // of a temporary file
	batch, refusal = b.batches.serviceOf(in).Create(call, b.batches.spec(in), in.File, rows.all)
	return batch, purchase.CreationClass(call, sent.Bool(), refusal), refusal
}

// lingering returns a context that is done at the deadline, or a while after
// ctx. It does not take over the cause of ctx, which may be the error of
// another call.
func lingering(ctx context.Context, deadline time.Time, while time.Duration) (context.Context, func()) {
	call, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	last := make(chan func() bool, 1)
	stop := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(while, cancel)
		last <- t.Stop
	})
	return call, func() {
		if !stop() {
			(<-last)()
		}
		cancel()
	}
}
