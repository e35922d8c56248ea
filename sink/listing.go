package sink

import "time"

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
