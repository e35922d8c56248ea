package mistral

import (
	"slices"
	"strconv"

	"github.com/balerhq/baler/sink/simulator/internal/chatform"
	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// ParseRequest reads the body of a row.
func (Protocol) ParseRequest(body []byte) protocol.Request {
	p := parseParams(body)
	return &p
}

// params are the members of a request body that the simulator looks at. They
// implement [protocol.Request].
type params struct {
	model, stream, messages, input, prompt, format, encoding, maxTokens, document []byte
}

func parseParams(body []byte) (p params) {
	scan.Members(body, func(key, value []byte) {
		switch string(key) {
		case "model":
			p.model = value
		case "stream":
			p.stream = value
		case "messages":
			p.messages = value
		case "input", "inputs":
			p.input = value
		case "prompt":
			p.prompt = value
		case "document":
			p.document = value
		case "response_format":
			p.format = value
		case "encoding_format":
			p.encoding = value
		case "max_tokens":
			p.maxTokens = value
		}
	})
	return p
}

// Prompt returns the text that p asks about.
func (p *params) Prompt() string {
	for _, value := range [][]byte{p.messages, p.input, p.prompt} {
		if text := chatform.LastText(value); text != "" {
			return text
		}
	}
	return ""
}

// Schema returns the schema that the answer must follow, nil if there is none.
func (p *params) Schema() *protocol.Schema { return chatform.Schema(p.format) }

// MaxTokens returns how long the answer may be, 0 if the request does not say.
func (p *params) MaxTokens() int64 {
	if p.maxTokens == nil {
		return 0 // the usual case, without an error that is allocated
	}
	n, err := strconv.ParseInt(string(p.maxTokens), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Documents returns nothing: no answer cites documents of its request.
func (p *params) Documents() []protocol.Document { return nil }

// Members that the bodies of an endpoint may have; those of others are not
// looked at.
var members = map[string][]string{
	"/v1/chat/completions": {
		"model", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed", "metadata", "messages", "response_format",
		"tools", "tool_choice", "presence_penalty", "frequency_penalty", "n", "prediction", "parallel_tool_calls", "prompt_mode",
		"reasoning_effort", "guardrails", "prompt_cache_key", "safe_prompt",
	},
	"/v1/fim/completions": {
		"model", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed", "metadata", "prompt", "suffix", "min_tokens",
	},
	"/v1/embeddings":  {"model", "metadata", "input", "output_dimension", "output_dtype", "encoding_format"},
	"/v1/moderations": {"model", "metadata", "input"},
}

// required is the member that the bodies of an endpoint must have.
var required = map[string]string{
	"/v1/chat/completions": "messages", "/v1/fim/completions": "prompt", "/v1/embeddings": "input", "/v1/moderations": "input",
	"/v1/chat/moderations": "input", "/v1/ocr": "document", "/v1/classifications": "input", "/v1/conversations": "inputs",
}

// checkBody returns the violation of a body, if there is one.
func checkBody(endpoint string, body []byte) *violation {
	unknown, missing := "", required[endpoint]
	allowed := members[endpoint]
	valid := scan.Members(body, func(key, _ []byte) {
		if string(key) == missing {
			missing = ""
		}
		if allowed != nil && unknown == "" && !slices.Contains(allowed, string(key)) {
			unknown = string(key)
		}
	})
	p := parseParams(body)
	switch {
	case !valid:
		return &violation{Type: "dict_type", Msg: "Input should be a valid dictionary"}
	case unknown != "":
		return &violation{Type: "extra_forbidden", Loc: []any{unknown}, Msg: "Extra inputs are not permitted"}
	case missing != "":
		return &violation{Type: "missing", Loc: []any{missing}, Msg: "Field required"}
	case string(p.stream) == "true":
		return &violation{Type: "value_error", Loc: []any{"stream"}, Msg: "The simulator does not stream its replies"}
	}
	return nil
}
