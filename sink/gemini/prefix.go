package gemini

import (
	"strings"
	"time"

	"github.com/balerhq/baler/sink/llm"
)

// caching implements sink.PromptCaching.
type caching struct{}

// PromptCache implements sink.PromptCaching. Gemini caches by itself from 2.5
// on, see https://ai.google.dev/gemini-api/docs/caching, which does not say for
// how long: a few minutes are assumed.
func (caching) PromptCache(model string) llm.PromptCache {
	model = strings.TrimPrefix(model, "models/")
	for _, old := range []string{"gemini-1", "gemini-2.0", "gemma", "gemini-embedding"} {
		if strings.HasPrefix(model, old) {
			return llm.PromptCache{}
		}
	}
	c := llm.PromptCache{MinTokens: 4096, Life: 5 * time.Minute}
	if strings.HasPrefix(model, "gemini-2.5") {
		c.MinTokens = 2048
	}
	return c
}
