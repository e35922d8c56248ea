package sink

import "context"

// RawPart says which part of a batch the provider has sent.
type RawPart string

// The parts of a batch.
const (
	// RawBatch is what the provider says of the batch itself: its object, with
	// counts and errors, and without the rows that stand in it.
	RawBatch RawPart = "batch"
	// RawOutput is a line of the file of results, or a row that stands in the
	// batch itself.
	RawOutput RawPart = "output"
	// RawErrors is a line of the file of errors, if the provider has one.
	RawErrors RawPart = "errors"
)

type rawObserver struct{}

// ObserveRaw returns a context under which the Status and the Results of a
// Provider call observe with what the provider sends about a batch, byte for
// byte but for the white space around it. So who wants more than an Outcome has
// gets it, without any cost to others. What is read again is observed again. The
// text is valid until observe returns. Observe is called by the goroutine that
// makes the call.
//
// A Provider that reads no files, as those of package live, observes nothing.
func ObserveRaw(ctx context.Context, observe func(part RawPart, text []byte)) context.Context {
	return context.WithValue(ctx, rawObserver{}, observe)
}

// RawObserver returns the function that ObserveRaw put into a context, nil if
// there is none. It is for clients of providers.
func RawObserver(ctx context.Context) func(part RawPart, text []byte) {
	observe, _ := ctx.Value(rawObserver{}).(func(RawPart, []byte))
	return observe
}
