package gemini

import "github.com/balerhq/baler/sink"

// DefaultCalls are the calls of a client whose Config says nothing about them.
// The Gemini API documents no limits for files and batches but the number of
// batches that run at once. So they are as many as the hundred batches of an
// account can use.
func DefaultCalls() sink.Calls {
	return sink.Calls{Uploads: 8, Creates: 10, Downloads: 50, Polls: 20, Deletes: 50, Others: 20}
}
