package openai

import (
	"strconv"

	"github.com/balerhq/baler/sink/simulator/internal/chatform"
	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// ParseRequest reads the body of a row.
func (Protocol) ParseRequest(body []byte) protocol.Request {
	p, _ := parseParams(body)
	return &p
}

// params are the members of a request body that the simulator looks at. They
// implement [protocol.Request].
type params struct {
	model, stream, messages, input, prompt, format, encoding, maxTokens []byte
}

func parseParams(body []byte) (p params, valid bool) {
	valid = scan.Members(body, func(key, value []byte) {
		switch string(key) {
		case "model":
			p.model = value
		case "stream":
			p.stream = value
		case "messages":
			p.messages = value
		case "input":
			p.input = value
		case "prompt":
			p.prompt = value
		case "response_format", "text":
			p.format = value
		case "encoding_format":
			p.encoding = value
		case "max_tokens", "max_completion_tokens", "max_output_tokens":
			p.maxTokens = value
		}
	})
	return p, valid
}

// Schema returns the schema that the answer must follow, nil if there is none.
// It is in response_format of a chat and in text.format of a response.
func (p params) Schema() *protocol.Schema {
	return chatform.Schema(p.format)
}

// MaxTokens returns how long the answer may be, 0 if the request does not say.
func (p params) MaxTokens() int64 {
	if p.maxTokens == nil {
		return 0 // the usual case, without an error that is allocated
	}
	n, err := strconv.ParseInt(string(p.maxTokens), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Documents returns nothing: OpenAI's answers cite no documents.
func (p params) Documents() []protocol.Document { return nil }
