package anthropic

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/balerhq/baler/sink/internal/schemarules"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// rules are what the body of a call is held to.
type rules struct {
	version string
	inBatch bool
	files   bool // requests may refer to them
	schemas *schemarules.Last
	counts  bool // tokens alone: there is no answer that could be too long
}

// parseParams reads the body of a row or a live call, and returns what is wrong
// with it, nil if nothing is.
func parseParams(body []byte, r rules) (p params, wrong *apiError) {
	p = readParams(body)
	switch {
	case !p.isObject:
		return p, invalid("Input should be a valid dictionary or object")
	case p.unknown != "":
		return p, invalid("%s: Extra inputs are not permitted", p.unknown)
	case p.modelName() == "":
		return p, invalid("model: Field required")
	case string(p.stream) == "true" && r.inBatch:
		return p, invalid("stream: Streaming is not supported in batches")
	}
	for _, check := range []func(*params, rules) *apiError{checkTokens, checkSampling, checkMessages, checkDocuments, checkFormat} {
		if wrong := check(&p, r); wrong != nil {
			return p, wrong
		}
	}
	return p, nil
}

func checkTokens(p *params, r rules) *apiError {
	n, err := strconv.ParseInt(string(p.maxTokens), 10, 64)
	switch {
	case r.counts && p.maxTokens == nil:
		return nil
	case p.maxTokens == nil:
		return invalid("max_tokens: Field required")
	case err != nil:
		return invalid("max_tokens: Input should be a valid integer")
	case n < 1:
		return invalid("max_tokens: Input should be greater than or equal to 1")
	}
	return nil
}

// checkSampling refuses what the newer version has no more, even if it is the
// default.
func checkSampling(p *params, r rules) *apiError {
	for _, option := range []struct {
		name  string
		value []byte
	}{{"temperature", p.temperature}, {"top_p", p.topP}, {"top_k", p.topK}} {
		value, err := strconv.ParseFloat(string(option.value), 64)
		switch {
		case option.value == nil:
			continue
		case r.version == version2026:
			return invalid("%s: sampling parameters are not supported in API version %s", option.name, version2026)
		case err != nil:
			return invalid("%s: Input should be a valid number", option.name)
		case value < 0 || option.name != "top_k" && value > 1:
			return invalid("%s: Input should be between 0 and 1", option.name)
		}
	}
	return nil
}

// blockKinds are the types of blocks that a message may have.
var blockKinds = []string{
	"text", "image", "document", "search_result", "thinking", "redacted_thinking", "tool_use", "tool_result", "server_tool_use",
	"web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result", "mcp_tool_use", "mcp_tool_result", "container_upload",
}

func checkMessages(p *params, _ rules) (wrong *apiError) {
	n := 0
	turns(p.messages, func(role string, content []byte) {
		at := n
		n++
		_, isText := scan.Unquote(content)
		switch {
		case wrong != nil:
		case role != "user" && role != "assistant":
			wrong = invalid("messages.%d.role: Input should be 'user' or 'assistant'", at)
		case content == nil:
			wrong = invalid("messages.%d.content: Field required", at)
		case !isText && content[0] != '[':
			wrong = invalid("messages.%d.content: Input should be a valid list", at)
		}
		blocks(content, func(b block) {
			if wrong == nil && !slices.Contains(blockKinds, b.kind) {
				wrong = invalid("messages.%d.content: Input tag '%s' found using 'type' does not match any of the expected tags", at, b.kind)
			}
		})
	})
	switch {
	case wrong != nil:
		return wrong
	case p.messages == nil:
		return invalid("messages: Field required")
	case n == 0:
		return invalid("messages: at least one message is required")
	}
	return nil
}

// checkDocuments checks the blocks that have something to do with citations.
func checkDocuments(p *params, r rules) (wrong *apiError) {
	documents, cited := 0, 0
	p.eachBlock(func(role string, b block) {
		switch {
		case b.kind == "document" && role == "assistant" && r.version == version2026:
			wrong = invalid("messages: document blocks are not supported in assistant turns")
		case b.kind == "text" && role == "user" && r.version == version2026 && !isEmptyList(b.citations):
			wrong = invalid("messages: citations are not supported on text blocks of the user")
		case b.kind == "document" && b.source == nil:
			wrong = invalid("messages: document.source: Field required")
		case refers(b.source) && !r.files:
			wrong = invalid("messages: %s.source: Input tag 'file' found using 'type' does not match any of the expected tags", b.kind)
		case b.kind == "document":
			documents++
			if cites(b.citations) {
				cited++
			}
		}
	})
	switch {
	case wrong != nil:
		return wrong
	case cited > 0 && cited < documents:
		return invalid("messages: citations must be enabled on all or none of the documents")
	case cited > 0 && p.format() != nil:
		return invalid("output_config.format: cannot be used together with citations")
	}
	return nil
}

func refers(source []byte) bool {
	_, is := referenceIn(source)
	return is
}

// referenceIn returns the ID of the file that a source of a block refers to.
func referenceIn(source []byte) (id string, refers bool) {
	scan.Members(source, func(key, value []byte) {
		switch string(key) {
		case "type":
			refers = string(value) == `"file"`
		case "file_id":
			id, _ = scan.Unquote(value)
		}
	})
	return id, refers
}

func isEmptyList(v []byte) bool {
	var list []json.RawMessage
	return v == nil || json.Unmarshal(v, &list) == nil && len(list) == 0
}

// checkFormat checks the schema that an answer has to follow.
func checkFormat(p *params, r rules) *apiError {
	f := p.format()
	switch {
	case f == nil:
		return nil
	case f.Type != "json_schema":
		return invalid("output_config.format.type: Input should be 'json_schema'")
	case f.Schema == nil:
		return invalid("output_config.format.schema: Field required")
	}
	last := ""
	turns(p.messages, func(role string, _ []byte) { last = role })
	if last == "assistant" {
		return invalid("output_config.format: cannot be used together with a prefilled answer")
	}
	if problem := r.schemas.Problem(f.Schema); problem != "" {
		path, what, _ := strings.Cut(problem, ": ")
		path = strings.ReplaceAll(strings.TrimPrefix(path, "#"), "/", ".")
		return invalid("output_config.format.schema%s: %s", path, what)
	}
	return nil
}
