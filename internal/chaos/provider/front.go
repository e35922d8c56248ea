package provider

import "net/http"

// The protocols that a provider may speak.
const (
	OpenAI    = "openai"
	Anthropic = "anthropic"
)

// front is the protocol of a provider. What happens to batches and rows, and
// who pays for it, is the server's. The server's lock is held where w is not
// given.
type front interface {
	// url is what clients are told.
	url(addr string) string
	// route finds out what is called.
	route(r *http.Request) call
	// admits reports whether a call has a key and whatever else all calls have.
	// It has replied if not.
	admits(w http.ResponseWriter, r *http.Request) bool
	// refuse replies with an error that is none of the call's.
	refuse(w http.ResponseWriter, status int, target string)
	// parse reads what a batch was created from. What is wrong with it comes
	// with the rows that are not.
	parse(content []byte) ([]row, []refusal)
	// refuses draws whether a batch fails as a whole after its creation.
	refuses(b *BatchRecord) bool
	// lines are those about a row in the results.
	lines(b *BatchRecord, i int, fate byte) []line
	// addForeign adds the batches of other programs that are there from the
	// start.
	addForeign()
}

// newFront returns the front that the plan asks for.
func newFront(s *server) front {
	if s.plan.Protocol == Anthropic {
		return anthropic{s}
	}
	return openai{s}
}
