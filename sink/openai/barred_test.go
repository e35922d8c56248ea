package openai_test

import (
	"testing"

	"github.com/balerhq/baler/sink/internal/wire/wiretest"
)

// What no batch takes is refused in bodies of any endpoint, and in chats.
func TestCheckRefusesWhatNoBatchTakes(t *testing.T) {
	for _, endpoint := range []string{completions, responses, "/v1/completions"} {
		wiretest.Bars(t, codec(t, completions), endpoint, map[string]string{
			`{"model":"m","messages":[],"stream":true}`:                    "stream",
			`{"model":"m","messages":[],"str\u0065am":true}`:               "stream",
			`{"stream_options":{"include_usage":true},"model":"m"}`:        "stream_options",
			`{"model":"m","input":"a","background":true,"stream":false}`:   "background",
			`{"model":"m","input":"a","nowhere":[],"background" : true  }`: "background",
		},
			`{"model":"m","messages":[],"stream":false,"stream_options":null,"background":false}`,
			`{"model":"m","messages":[{"role":"user","content":"\"stream\":true"}],"metadata":{"stream":true}}`,
			`{"model":"m","background":"transparent","stream":null}`, `7`, ``,
		)
	}
	wiretest.RefusesOption(t, codec(t, responses), responses, `{"model":"m","input":"a","background":true}`, "background")
	wiretest.ComesBack(t, codec(t, responses), responses, `{"model":"m","input":"a","background":false}`)
}
