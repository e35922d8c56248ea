package anthropic

import (
	"encoding/json"
	"strconv"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// ParseRequest reads the body of a row.
func (Protocol) ParseRequest(body []byte) protocol.Request {
	p := readParams(body)
	return &p
}

// params are the members of a request that the simulator looks at. They
// implement [protocol.Request].
type params struct {
	model, messages, system, maxTokens, stream []byte
	tools                                      []byte
	temperature, topP, topK                    []byte
	outputConfig, outputFormat                 []byte
	unknown                                    string // a member that there is not
	isObject                                   bool
}

func readParams(body []byte) (p params) {
	p.isObject = scan.Members(body, func(key, value []byte) {
		switch string(key) {
		case "model":
			p.model = value
		case "messages":
			p.messages = value
		case "system":
			p.system = value
		case "max_tokens":
			p.maxTokens = value
		case "stream":
			p.stream = value
		case "temperature":
			p.temperature = value
		case "top_p":
			p.topP = value
		case "top_k":
			p.topK = value
		case "output_config":
			p.outputConfig = value
		case "output_format":
			p.outputFormat = value
		case "tools":
			p.tools = value
		case "metadata", "stop_sequences", "tool_choice", "thinking", "service_tier", "container",
			"mcp_servers", "context_management", "cache_control", "inference_geo":
		default:
			p.unknown = string(key)
		}
	})
	return p
}

func (p *params) modelName() string {
	name, _ := scan.Unquote(p.model)
	return name
}

// format is what the answer has to look like, nil if that is not said.
func (p *params) format() (f *outputFormat) {
	var config struct {
		Format *outputFormat `json:"format"`
	}
	if p.outputConfig != nil && json.Unmarshal(p.outputConfig, &config) == nil && config.Format != nil {
		return config.Format
	}
	if p.outputFormat != nil && json.Unmarshal(p.outputFormat, &f) == nil {
		return f
	}
	return nil
}

type outputFormat struct {
	Type   string          `json:"type"`
	Schema json.RawMessage `json:"schema"`
}

// Schema returns the schema that the answer must follow, nil if there is none.
func (p *params) Schema() (s *protocol.Schema) {
	f := p.format()
	if f == nil || json.Unmarshal(f.Schema, &s) != nil {
		return nil
	}
	return s
}

// MaxTokens returns how long the answer may be, 0 if the request does not say.
func (p *params) MaxTokens() int64 {
	n, err := strconv.ParseInt(string(p.maxTokens), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Prompt returns the text of the last message of the user.
func (p *params) Prompt() (text string) {
	turns(p.messages, func(role string, content []byte) {
		if role != "user" {
			return
		}
		if s, isText := scan.Unquote(content); isText {
			text = s
			return
		}
		blocks(content, func(b block) {
			if s, _ := scan.Unquote(b.text); b.kind == "text" && s != "" {
				text = s
			}
		})
	})
	return text
}

// Documents returns the documents that the answer is to cite.
func (p *params) Documents() (all []protocol.Document) {
	index := 0
	p.eachBlock(func(_ string, b block) {
		if b.kind != "document" {
			return
		}
		if cites(b.citations) {
			all = append(all, documentOf(index, b.source))
		}
		index++
	})
	return all
}

// eachBlock visits the blocks of all messages.
func (p *params) eachBlock(visit func(role string, b block)) {
	turns(p.messages, func(role string, content []byte) {
		blocks(content, func(b block) { visit(role, b) })
	})
}

// turns visits the messages of a request.
func turns(messages []byte, visit func(role string, content []byte)) {
	scan.Elements(messages, func(message []byte) {
		var role string
		var content []byte
		scan.Members(message, func(key, value []byte) {
			switch string(key) {
			case "role":
				role, _ = scan.Unquote(value)
			case "content":
				content = value
			}
		})
		visit(role, content)
	})
}

// block is a part of a message. Its fields are raw JSON, but for the kind.
type block struct {
	kind                    string
	text, source, citations []byte
}

// blocks visits the blocks of a message that consists of some.
func blocks(content []byte, visit func(block)) {
	scan.Elements(content, func(element []byte) {
		var b block
		scan.Members(element, func(key, value []byte) {
			switch string(key) {
			case "type":
				b.kind, _ = scan.Unquote(value)
			case "text":
				b.text = value
			case "source":
				b.source = value
			case "citations":
				b.citations = value
			}
		})
		visit(b)
	})
}

// cites reports whether a document asks to be cited.
func cites(citations []byte) bool {
	var asked struct{ Enabled bool }
	return citations != nil && json.Unmarshal(citations, &asked) == nil && asked.Enabled
}

// documentOf returns a document as a model knows it. Only plain text is counted
// in characters.
func documentOf(index int, source []byte) protocol.Document {
	var s struct {
		Type    string
		Data    string
		Content json.RawMessage
	}
	_ = json.Unmarshal(source, &s) // it was checked
	d := protocol.Document{Index: index, Kind: protocol.PageLocation}
	switch s.Type {
	case "text":
		d.Kind, d.Text = protocol.CharLocation, s.Data
	case "content":
		d.Kind = protocol.BlockLocation
		if text, isText := scan.Unquote(s.Content); isText {
			d.Text = text
		}
		blocks(s.Content, func(b block) {
			if d.Text == "" {
				d.Text, _ = scan.Unquote(b.text)
			}
		})
	}
	return d
}
