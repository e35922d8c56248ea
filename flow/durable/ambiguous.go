package durable

import (
	"fmt"

	"github.com/balerhq/baler/internal/intent"
)

// AmbiguousCreate is a policy for a batch of which it is not clear whether it exists.
type AmbiguousCreate string

// The policies. Each holds from the end of Job.Grace on.
const (
	// AmbiguousWait waits until the batches have ended that may be it, at most for
	// the provider's window and the grace.
	AmbiguousWait AmbiguousCreate = AmbiguousCreate(intent.Wait)
	// AmbiguousResubmit does not wait: its rows may be paid for twice.
	AmbiguousResubmit AmbiguousCreate = AmbiguousCreate(intent.Resubmit)
	// AmbiguousFail fails its rows, with the code "creation_unclear": they may
	// have been paid for.
	AmbiguousFail AmbiguousCreate = AmbiguousCreate(intent.Fail)
)

func (u AmbiguousCreate) validate() error {
	switch u {
	case "", AmbiguousWait, AmbiguousResubmit, AmbiguousFail:
		return nil
	}
	return fmt.Errorf("durable: Job.AmbiguousCreate is %q: must be %q, %q or %q", string(u), AmbiguousWait, AmbiguousResubmit, AmbiguousFail)
}
