package durable

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/balerhq/baler/ratelimit"
)

var errLongWait = errors.New("a long wait")

// paced counts the batches that wait for the pace of creations.
type paced struct{ waiting atomic.Int64 }

// awaitCreation waits until Job.Creates lets a batch be created. It raises a
// notice if that takes long.
func (b *buyer) awaitCreation(ctx context.Context) error {
	one := ratelimit.Cost{Requests: 1}
	b.paced.waiting.Add(1)
	defer func() {
		if b.paced.waiting.Add(-1) == 0 {
			b.notices.clear(NoticePaced, "")
		}
	}()
	short, stop := context.WithTimeoutCause(ctx, longWait, errLongWait)
	defer stop()
	if err := b.limiter.Wait(short, one); !errors.Is(err, errLongWait) {
		return err
	}
	// A run may end at the same moment. The last wait says so.
	if ctx.Err() == nil && !b.notices.has(NoticePaced, "") {
		c := b.creates
		b.notices.raise(ctx, Notice{
			Kind: NoticePaced, Since: time.Now().Add(-longWait),
			Text:   fmt.Sprintf("batches wait to be created, %d in %s at most", c.Requests, c.Window),
			Advice: "if the provider allows more, raise Job.Creates (--creates-per-hour); larger batches need fewer creations",
		})
	}
	return b.limiter.Wait(ctx, one)
}
