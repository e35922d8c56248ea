package sink

import (
	"context"
	"iter"
	"time"
)

// Lister is a Provider that can say which batches its account has. One that
// keeps no tag with a batch must be one: a creation without an answer is then
// looked for among all batches of its size and time. All others should be, so
// that batches can be found of which nobody remembers the tag.
type Lister interface {
	// List yields the batches of the account that were created since then, in
	// any order. It may yield older ones too. An error ends the sequence.
	List(ctx context.Context, since time.Time) iter.Seq2[Listing, error]
}

// Listing is a batch as a list shows it.
type Listing struct {
	// Batch is what Create has returned, or would have.
	Batch string
	// Tag is the one that the batch was created with, "" if it was created by
	// others, or if the provider keeps none.
	Tag string
	// Created is when, by the provider's clock. Zero if it does not say.
	Created time.Time
	// Rows is how many there are in the batch, 0 if the provider does not say,
	// or not yet.
	Rows int
	// Ended is as in Status.
	Ended bool
}
