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

// awaitCreation waits until a batch may be created by Job.Creates, and tells if
// that takes long.
func (e *engine) awaitCreation(ctx context.Context) error {
	one := ratelimit.Cost{Requests: 1}
	e.paced.waiting.Add(1)
	defer func() {
		if e.paced.waiting.Add(-1) == 0 {
			e.untell(NoticePaced, "")
		}
	}()
	short, stop := context.WithTimeoutCause(ctx, longWait, errLongWait)
	defer stop()
	if err := e.limiter.Wait(short, one); err == nil || ctx.Err() != nil || short.Err() == nil {
		return err
	}
	if !e.notices.has(NoticePaced, "") {
		c := e.creates
		e.tell(ctx, Notice{
			Kind: NoticePaced, Since: time.Now().Add(-longWait),
			Text:   fmt.Sprintf("batches wait to be created, %d in %s at most", c.Requests, c.Window),
			Advice: "if the provider allows more, raise Job.Creates (--creates-per-hour); larger batches need fewer creations",
		})
	}
	return e.limiter.Wait(ctx, one)
}
