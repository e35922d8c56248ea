package gemini_test

import (
	"testing"

	"github.com/balerhq/baler/sink/gemini"
	"github.com/balerhq/baler/sink/internal/wire/wiretest"
)

// The method says whether an answer is streamed, not the body.
func TestCheckRefusesTheMethodThatStreams(t *testing.T) {
	body := `{"contents":[]}`
	wiretest.Bars(t, gemini.NewCodec(), "/v1beta/models/m:streamGenerateContent", map[string]string{body: "streamGenerateContent"})
	for _, endpoint := range []string{gemini.ContentEndpoint, gemini.EmbedEndpoint, "/v1beta/models/m:generateContent"} {
		wiretest.Bars(t, gemini.NewCodec(), endpoint, nil, body)
	}
}
