package openai

import "github.com/balerhq/baler/sink"

// DefaultCalls are the calls of a client whose Config says nothing about them.
// OpenAI documents 1,000 uploads a minute for a user, and 2,000 creations an
// hour, which who creates has to keep. For the others no limit is documented:
// they are as many as a run of a thousand batches can use, but few enough not
// to be taken for an attack.
func DefaultCalls() sink.Calls {
	return sink.Calls{Uploads: 16, Creates: 50, Downloads: 200, Polls: 50, Deletes: 100, Others: 50}
}
