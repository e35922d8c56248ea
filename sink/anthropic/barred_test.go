package anthropic_test

import (
	"testing"

	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/internal/wire/wiretest"
)

func TestCheckRefusesWhatNoBatchTakes(t *testing.T) {
	for _, version := range []string{anthropic.Version20230601, anthropic.Version20261021} {
		codec, err := anthropic.NewCodec(version)
		if err != nil {
			t.Fatal(err)
		}
		wiretest.Bars(t, codec, messages, map[string]string{
			saying(`"stream":true`):                               "stream",
			saying(`"speed":"fast"`):                              "speed",
			saying(`"store":true`):                                "store",
			`{"model":"m","messages":[],"max_tokens":0.0}`:        "max_tokens",
			`{"model":"m","messages":[],"max_tokens" : 0,"x":[]}`: "max_tokens",
		},
			saying(`"stream":false,"speed":null`), `{"model":"m","messages":[],"max_tokens":1}`, `{"model":"m","messages":[]}`,
		)
		if err := codec.Check("/v1/complete", raw(saying(`"stream":true`))); err != nil {
			t.Errorf("another endpoint: %v", err)
		}
	}
}
