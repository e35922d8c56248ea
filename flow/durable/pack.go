package durable

import (
	"errors"
	"fmt"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// DefaultPackBytes is how many bytes of items a request has at most that
// several share.
const DefaultPackBytes = 64 << 10

// PackLimits bound how many items of a batch share one request to the provider,
// which then has one instruction and one answer for all of them.
type PackLimits struct {
	// MaxItems is how many items share a request. Zero, like 1, means that each
	// has its own.
	MaxItems int
	// MaxBytes bounds the items of a request that several share, as they are
	// kept. A larger item has a request of its own. Zero means 64 KiB.
	MaxBytes int
}

// pack returns the limits as they are kept with a batch, the zero Pack if no
// items share requests.
func (l PackLimits) pack() intent.Pack {
	switch {
	case l.MaxItems <= 1:
		return intent.Pack{}
	case l.MaxBytes == 0:
		l.MaxBytes = DefaultPackBytes
	}
	return intent.Pack{Rows: l.MaxItems, Bytes: l.MaxBytes}
}

// validatePack refuses what does not go with requests that items share.
func (j *Job[T]) validatePack() error {
	switch {
	case j.Pack.MaxItems < 0 || j.Pack.MaxBytes < 0:
		return fmt.Errorf("durable: Job.Pack is %+v: must not be negative", j.Pack)
	case j.Pack.MaxItems <= 1 && j.Pack.MaxBytes > 0:
		return errors.New("durable: Job.Pack.MaxBytes is set, and MaxItems lets no items share a request")
	case j.Pack.MaxItems <= 1:
		return nil
	}
	for i, r := range j.Routes {
		for name := range r.Options {
			if name != "max_tokens" && !jobdir.SharesOption(name) {
				return fmt.Errorf("durable: Job.Routes[%d] has the option %q, which may mean something else for the answer to several items: "+
					"leave out the option or Job.Pack", i, name)
			}
		}
	}
	return nil
}

// packed returns the intent of a batch with how its rows share requests. It
// sorts them accordingly.
func (c *config) packed(in intent.Intent, rows []jobdir.Entry) intent.Intent {
	if c.pack.Rows > 0 {
		in.Pack = jobdir.PackEntries(rows, c.pack)
	}
	return in
}

// sharedRequest reports whether a row shared its request with others.
func (c *chunk) sharedRequest(o *jobdir.Outcome) bool {
	return int(o.Row) < len(c.together) && c.together[o.Row]
}

// goesAlone reports whether a row that shared its request is asked alone
// because of what came of that: another row of the request may be at fault.
func (c *chunk) goesAlone(o *jobdir.Outcome) bool {
	return o.Err != nil && o.At >= 0 && c.sharedRequest(o) && !c.s.gate.cancelled() &&
		(o.Err.Code == jobdir.CodeNotInAnswer || o.Err.Class == retry.Permanent)
}

// retryRow lets a failed row be retried. One that shared its request is alone
// then if goesAlone says so, or from the third attempt on.
func (c *chunk) retryRow(o *jobdir.Outcome) {
	c.retry(int(o.Row), !c.unsent())
	if !c.sharedRequest(o) {
		return
	}
	e := &c.retries[len(c.retries)-1]
	e.Alone = e.Alone || c.goesAlone(o) || e.Attempts() >= togetherTries
	used := jobdir.PartUsage(o.Body)
	c.spendAgain(o, &used)
}

// togetherTries is how often a row is sent before it is sent alone.
const togetherTries = 2
