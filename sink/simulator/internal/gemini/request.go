package gemini

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// params are the members of a request that the simulator looks at. They
// implement [protocol.Request].
type params struct {
	contents, content                                  []byte // of generateContent, of embedContent
	system                                             []byte
	mimeType, jsonSchema, schema, maxTokens, dimension []byte
}

// ParseRequest reads the body of a row.
func (Protocol) ParseRequest(body []byte) protocol.Request {
	p, _ := parseParams(body, "")
	return &p
}

// The members of requests that are known and not looked at.
var (
	contentMembers = []string{
		"model", "safetySettings", "tools", "toolConfig", "cachedContent", "labels", "store", "serviceTier",
	}
	configMembers = []string{
		"temperature", "topP", "topK", "candidateCount", "stopSequences", "presencePenalty", "frequencyPenalty", "seed",
		"responseLogprobs", "logprobs", "enableEnhancedCivicAnswers", "responseModalities", "speechConfig", "thinkingConfig",
		"imageConfig", "mediaResolution",
	}
	embedMembers = []string{"model", "taskType", "title", "embedContentConfig"}
	partMembers  = []string{
		"text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult", "thought",
		"thoughtSignature", "videoMetadata", "partMetadata", "mediaResolution", "toolCall", "toolResponse",
	}
)

// parseParams reads a request. Its error is what is wrong with one of the
// endpoint.
func parseParams(body []byte, endpoint string) (p params, err error) {
	var r reader
	var config []byte
	known := members{"contents": &p.contents, "systemInstruction": &p.system, "content": &p.content, "generationConfig": &config, "outputDimensionality": &p.dimension}
	known = known.with(contentMembers...).with(embedMembers...)
	switch endpoint {
	case contentEndpoint:
		known = members{"contents": &p.contents, "systemInstruction": &p.system, "generationConfig": &config}.with(contentMembers...)
	case embedEndpoint:
		known = members{"content": &p.content, "outputDimensionality": &p.dimension}.with(embedMembers...)
	}
	r.object("", body, known)
	if config != nil {
		r.object("generation_config", config, members{
			"responseMimeType": &p.mimeType, "responseJsonSchema": &p.jsonSchema, "responseSchema": &p.schema, "maxOutputTokens": &p.maxTokens,
		}.with(configMembers...))
	}
	switch endpoint {
	case contentEndpoint:
		r.contents(p.contents)
	case embedEndpoint:
		r.content("content", p.content)
	}
	if p.jsonSchema != nil && p.schema != nil {
		r.fail("Only one of response_schema and response_json_schema may be set.")
	}
	if mime := unquote(p.mimeType); (p.jsonSchema != nil || p.schema != nil) && mime != "application/json" && mime != "text/x.enum" {
		r.fail("A response schema needs response_mime_type application/json.")
	}
	return p, r.failure()
}

func (r *reader) contents(contents []byte) {
	n := 0
	isList := scan.Elements(contents, func(content []byte) {
		r.content("contents["+strconv.Itoa(n)+"]", content)
		n++
	})
	if !isList && len(contents) > 0 && contents[0] == '{' { // a list of one, as protobuf takes it
		r.content("contents[0]", contents)
		n++
	}
	if n == 0 {
		r.fail("* GenerateContentRequest.contents: contents is not specified")
	}
}

func (r *reader) content(at string, content []byte) {
	var role, parts []byte
	if content == nil {
		r.fail("* EmbedContentRequest.content: content is not specified")
		return
	}
	r.object(at, content, members{"role": &role, "parts": &parts})
	switch unquote(role) {
	case "", "user", "model", "function":
	default:
		r.fail("Please use a valid role: user, model.")
	}
	n := 0
	visit := func(part []byte) {
		r.object(at+".parts["+strconv.Itoa(n)+"]", part, members{}.with(partMembers...))
		n++
	}
	if !scan.Elements(parts, visit) && len(parts) > 0 && parts[0] == '{' {
		visit(parts)
	}
	if n == 0 {
		r.fail("* GenerateContentRequest.%s.parts: contents.parts must not be empty.", at)
	}
}

// Prompt returns the last text of a user.
func (p *params) Prompt() (prompt string) {
	text := func(content []byte) {
		var role, parts []byte
		scan.Members(content, func(key, value []byte) {
			switch string(key) {
			case "role":
				role = value
			case "parts":
				parts = value
			}
		})
		if role != nil && string(role) != `"user"` {
			return
		}
		scan.Elements(parts, func(part []byte) {
			scan.Members(part, func(key, value []byte) {
				if s := unquote(value); string(key) == "text" && s != "" {
					prompt = s
				}
			})
		})
	}
	if p.content != nil {
		text(p.content)
	}
	scan.Elements(p.contents, text)
	return prompt
}

// Schema returns the schema that the answer must follow, nil if there is none.
func (p *params) Schema() *protocol.Schema {
	for _, raw := range [][]byte{p.jsonSchema, lower(p.schema)} {
		var schema *protocol.Schema
		if raw != nil && json.Unmarshal(raw, &schema) == nil && schema != nil {
			return schema
		}
	}
	if unquote(p.mimeType) == "application/json" {
		return &protocol.Schema{Type: "object", Properties: map[string]*protocol.Schema{"answer": {Type: "string"}}}
	}
	return nil
}

// lower returns a schema in the API's own format as JSON Schema: its types are
// in capitals, and its whole numbers may be texts.
func lower(schema []byte) []byte {
	if schema == nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(schema))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	lowerIn(v)
	text, _ := json.Marshal(v) //nolint:errchkjson // it came from JSON
	return text
}

func lowerIn(v any) {
	switch v := v.(type) {
	case map[string]any:
		if s, isText := v["type"].(string); isText {
			v["type"] = strings.ToLower(s)
		}
		if s, isText := v["minItems"].(string); isText {
			v["minItems"] = json.Number(s)
		}
		for _, inner := range v {
			lowerIn(inner)
		}
	case []any:
		for _, inner := range v {
			lowerIn(inner)
		}
	}
}

// MaxTokens returns how long the answer may be, 0 if the request does not say.
func (p *params) MaxTokens() int64 {
	n, err := strconv.ParseInt(string(p.maxTokens), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Documents returns nothing: answers of the API cite no documents of a request.
func (*params) Documents() []protocol.Document { return nil }
