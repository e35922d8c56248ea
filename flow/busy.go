package flow

import (
	"context"
	"sync/atomic"
	"time"
)

// busy adds up how long the functions of a stage run. A nil one does not.
type busy struct{ nanoseconds atomic.Int64 }

func (b *busy) add(d time.Duration) {
	if b != nil {
		b.nanoseconds.Add(int64(d))
	}
}

func (b *busy) total() time.Duration { return time.Duration(b.nanoseconds.Load()) }

type busyKey struct{}

// withBusy has the functions that run under the context counted by b.
func withBusy(ctx context.Context, b *busy) context.Context {
	return context.WithValue(ctx, busyKey{}, b)
}

// busyIn returns what counts the functions that run under ctx, or nil.
func busyIn(ctx context.Context) *busy {
	b, _ := ctx.Value(busyKey{}).(*busy)
	return b
}
