package durable

import (
	"context"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// repeats reports whether a creation that was not answered is sent again now,
// because the provider makes no second batch of a tag. In between, the batch is
// looked for, because a repeated creation may never be answered.
func (b *buyer) repeats(in intent.Intent) bool {
	info, v := b.batches.serviceOf(in).info, b.pollStates.of(in.Tag)
	if v.denied || v.repeated {
		v.repeated = false
		return false
	}
	return info.RepeatableCreate && in.State == intent.Unknown && in.Account == info.Account && b.gate.running()
}

// repeat sends the creation again: at once, and after growing waits if that is
// not answered either. If it is refused, the batch is looked for.
func (b *buyer) repeat(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if in.Doubts > 1 {
		if err := b.calls.sleep(ctx, b.calls.pause(in.Doubts-2, nil)); err != nil {
			return in, err
		}
	}
	in, refusal, err := b.send(ctx, in, true)
	v := b.pollStates.of(in.Tag)
	v.repeated = true
	switch {
	case err != nil:
		return in, err
	case in.State != intent.Unknown:
		b.notices.clear(NoticeUnclear, in.Tag)
		return in, nil
	case refusal == nil:
		return in, nil
	case ctx.Err() != nil:
		return in, context.Cause(ctx)
	}
	v.doubt, v.denied = time.Now(), retry.ClassOf(refusal) != retry.Retryable
	if retry.ClassOf(refusal) == retry.Blocked {
		return in, b.blockage.block(ctx, in, refusal)
	}
	if v.denied {
		b.log.WarnContext(ctx, "the creation is refused now, looking for the batch", "tag", in.Tag, "error", refusal)
		return in, nil
	}
	return in, b.calls.backOff(ctx, b.batches.serviceOf(in), in, "create", in.Creates, refusal)
}
