package openai

import (
	"net/url"
	"time"

	"github.com/balerhq/baler/sink/llm"
)

// caching implements sink.PromptCaching, for a host.
type caching struct{ host string }

// PromptCache implements sink.PromptCaching. OpenAI caches by itself, see
// https://platform.openai.com/docs/guides/prompt-caching: what was not used for
// five to ten minutes may be gone. Of other servers that speak the protocol
// nothing is known.
func (c caching) PromptCache(string) llm.PromptCache {
	if own, err := url.Parse(DefaultBaseURL); err != nil || c.host != own.Host {
		return llm.PromptCache{}
	}
	return llm.PromptCache{MinTokens: 1024, Life: 5 * time.Minute}
}
