package durable

import (
	"fmt"

	"github.com/balerhq/baler/internal/intent"
)

// AmbiguousCreate is a policy for a batch that may or may not exist.
type AmbiguousCreate string

// The policies. Each applies once Job.Grace is over.
const (
	// AmbiguousWait waits until all batches that may be this one have ended, at
	// most for the provider's window and the grace.
	AmbiguousWait AmbiguousCreate = AmbiguousCreate(intent.Wait)
	// AmbiguousResubmit sends the batch again without waiting: its rows may be
	// paid for twice.
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
