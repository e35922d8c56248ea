package ready

import (
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/segment"
)

// The tokens of an entry that waits are those that its batch has for it.
func TestTokensAreEstimatedInOneWay(t *testing.T) {
	t.Parallel()
	for size := range 100 {
		e := jobdir.Entry{Ref: segment.Ref{Len: uint32(1000 + size)}}
		if got, want := waiterOf(&e, segment.Ref{}).Tokens(), jobdir.TokensIn(e.Size()); got != want {
			t.Fatalf("%d tokens in %d bytes, want %d", got, e.Size(), want)
		}
	}
}
