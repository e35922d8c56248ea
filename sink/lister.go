package sink

import (
	"context"
	"iter"
	"time"
)

// Lister is a Provider that can say which batches its account has. One that
// keeps no tag with a batch must be one: a creation without an answer is then
// looked for among all batches of its size and time. All others should be, so
// that batches can be found whose tag is not remembered.
type Lister interface {
	// List yields the batches of the account that were created since then, in
	// any order. It may yield older ones too. An error ends the sequence.
	List(ctx context.Context, since time.Time) iter.Seq2[Listing, error]
}

// FileLister is a Provider that can say which uploads its account stores, so
// that those are found that no batch was made from.
type FileLister interface {
	// Files yields what Upload has stored and Remove has not deleted, in any
	// order. It may yield what others have stored too. An error ends the
	// sequence.
	Files(ctx context.Context) iter.Seq2[File, error]
}

// File is an upload as a list shows it.
type File struct {
	// File is what Upload has returned, or would have.
	File string
	// Tag is the one that it was uploaded for, "" if others have stored it.
	Tag string
	// Created is when, by the provider's clock. Zero if it does not say.
	Created time.Time
	// Bytes is its size, 0 if the provider does not say.
	Bytes int64
}

// Listing is a batch as a list shows it.
type Listing struct {
	// Batch is what Create has returned, or would have.
	Batch string
	// Tag is the one that the batch was created with, or whatever tells that it
	// was created by others. It is "" if the provider keeps none, or has lost
	// it: then the IDs of its rows tell once it has ended.
	Tag string
	// Created is when, by the provider's clock. Zero if it does not say.
	Created time.Time
	// Age is for how long the batch exists, by the provider's clock alone. Zero
	// if that does not say.
	Age time.Duration
	// Rows is how many there are in the batch, 0 if the provider does not say,
	// or not yet.
	Rows int
	// Ended is as in Status.
	Ended bool
	// File is what the batch was made from, "" if the provider does not say.
	File string
}
