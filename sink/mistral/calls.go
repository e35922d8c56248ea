package mistral

import "github.com/balerhq/baler/sink"

// DefaultCalls are the calls of a client whose Config says nothing about them.
// Mistral documents limits by plan, of the calls in a second, and the lowest
// plans have very few. These are for a plan that is paid for; where they are
// too many, Mistral says so, and the calls wait.
func DefaultCalls() sink.Calls {
	return sink.Calls{Uploads: 8, Creates: 8, Downloads: 50, Polls: 20, Deletes: 20, Others: 20}
}
