package sink

import (
	"context"

	"github.com/balerhq/baler/internal/intent"
)

// repeats reports whether a creation that was not answered is sent again now,
// because the provider makes no second batch of a tag. In between, the batch is
// looked for, because a repeated creation may never be answered.
func (d *driver) repeats() bool {
	if d.State != intent.Unknown || d.denied || d.repeated {
		d.repeated = false
		return false
	}
	return d.provider.Info().RepeatableCreate
}

// repeat sends the creation again: at once, and after growing waits if that is
// not answered either.
func (d *driver) repeat(ctx context.Context) error {
	if d.Doubts > 1 {
		if err := d.pause(ctx, d.delay(d.Doubts-1, nil), d.unclear); err != nil {
			return err
		}
	}
	d.repeated = true
	return d.create(ctx)
}
