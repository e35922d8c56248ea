package durable

import (
	"context"
	"errors"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// createLinger is how long a creation that is under way when the run ends may
// still be answered. One that is not is looked for by the next process, which
// takes a grace at least.
const createLinger = 5 * time.Second

// buyAt asks the provider for a batch, once, and returns its name or the class
// of the answer.
func (b *buyer) buyAt(ctx context.Context, in intent.Intent) (batch string, class retry.Class, refusal error) {
	call, stop := lingering(ctx, time.Now().Add(createDeadline), createLinger)
	defer stop()
	if ctx.Err() != nil { // while that it leaves was made durable
		return "", retry.Retryable, context.Cause(ctx)
	}
	call, sent := retry.Watch(call)
	batch, refusal = b.provider.Create(call, b.batches.spec(in), in.File, b.batches.payload(in.Tag))
	return batch, creationClass(call, sent.Bool(), refusal), refusal
}

// creationClass is the class of what a creation returned. Where its context is
// done, that counts only if it is a reply of the provider, or if nothing has left
// this machine: all else may be the error of another call, or a guess.
func creationClass(ctx context.Context, sent bool, err error) retry.Class {
	class := retry.ClassIn(ctx, err)
	if err == nil || ctx.Err() == nil || class == retry.Ambiguous {
		return class
	}
	e, classified := errors.AsType[*retry.Error](err)
	if classified && (e.Status != 0 || class == retry.Retryable && !sent) {
		return class
	}
	return retry.Ambiguous
}

// lingering returns a context that is done at the deadline, or a while after ctx.
// It does not have the cause of ctx, which may be the error of another call.
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
