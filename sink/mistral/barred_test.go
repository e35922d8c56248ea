package mistral_test

import (
	"testing"

	"github.com/balerhq/baler/sink/internal/wire/wiretest"
	"github.com/balerhq/baler/sink/mistral"
)

func TestCheckRefusesWhatNoBatchTakes(t *testing.T) {
	for _, endpoint := range []string{mistral.ChatEndpoint, "/v1/fim/completions"} {
		wiretest.Bars(t, mistral.NewCodec(), endpoint,
			map[string]string{`{"model":"m","messages":[],"stream":true}`: "stream"},
			`{"model":"m","messages":[],"stream":false}`, `{"messages":[{"role":"user","content":"stream"}]}`,
		)
	}
}
