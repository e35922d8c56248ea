package openai_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/sink/openai"
)

func TestRemainingIsRead(t *testing.T) {
	for value, want := range map[string]*int{"3": new(3), "0": new(0), "-1": nil, "few": nil, "": nil} {
		h := http.Header{"X-Ratelimit-Remaining-Requests": {value}, "X-Ratelimit-Limit-Requests": {"9"}, "X-Ratelimit-Remaining-Tokens": {"7"}}
		if diff := cmp.Diff(ratelimit.Remaining{Requests: want, InputTokens: new(7)}, openai.ReadRemaining(h)); diff != "" {
			t.Errorf("%q: -want +got:\n%s", value, diff)
		}
	}
}
