package durable

import (
	"fmt"

	"github.com/balerhq/baler/internal/intent"
)

// Unclear is a policy for a batch of which it is not clear whether it exists.
type Unclear string

// The policies. Each holds from the end of Job.Grace on.
const (
	// UnclearWait waits until the batches have ended that may be it, at most for
	// the provider's window and the grace.
	UnclearWait Unclear = Unclear(intent.Wait)
	// UnclearResubmit does not wait: its rows may be paid for twice.
	UnclearResubmit Unclear = Unclear(intent.Resubmit)
	// UnclearFail fails its rows, with the code "creation_unclear": they may
	// have been paid for.
	UnclearFail Unclear = Unclear(intent.Fail)
)

func (u Unclear) validate() error {
	switch u {
	case "", UnclearWait, UnclearResubmit, UnclearFail:
		return nil
	}
	return fmt.Errorf("durable: Job.Unclear is %q: must be %q, %q or %q", string(u), UnclearWait, UnclearResubmit, UnclearFail)
}
