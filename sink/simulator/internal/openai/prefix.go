package openai

import "github.com/balerhq/baler/sink/simulator/internal/protocol"

// Prefix implements [protocol.Prefixed]: OpenAI caches what it has read.
func (p params) Prefix() protocol.Prefix {
	if p.messages != nil {
		return protocol.Prefix{Text: p.messages}
	}
	return protocol.Prefix{Text: p.input}
}
