package gemini

import "github.com/balerhq/baler/sink/simulator/internal/protocol"

// Prefix implements [protocol.Prefixed]: Gemini caches what it has read.
func (p *params) Prefix() protocol.Prefix {
	return protocol.Prefix{Text: append(append([]byte(nil), p.system...), p.contents...)}
}
