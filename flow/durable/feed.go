package durable

import "context"

// Feed is a Source whose items may be long in coming, such as those of a queue
// or the results of another run. The items of a feed are kept as they come, and
// its job ends with Handle.Drain, or when the feed does. With Job.ReadAll
// nothing is bought before. A batch that is not full leaves after
// BatchLimits.MaxWait. An item that cannot be used ends the job, as with any
// Source: let Job.Where leave it out.
type Feed[T any] interface {
	Source[T]
	// Begin is called before Items. Items must end, with or without an error,
	// soon after ctx does. An item that it has taken by then is still yielded.
	Begin(ctx context.Context)
	// Kept is called after each commit, by another goroutine than Items: so
	// many more of the items that were yielded, in their order, will survive a
	// crash. An item that is left out or repeats another one counts. An error
	// ends the job, and items that were not kept should come again: those that
	// were are recognized by their keys.
	Kept(items int) error
}
