package gemini

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/schema"
)

// options are those that a chat may have. Members that mean something else at
// other providers have a name of their own.
var options = wire.Same("cachedContent", "labels", "safetySettings", "toolConfig").And(wire.Names{
	"gemini.service_tier": "serviceTier",
	"gemini.store":        "store",
	"gemini.tools":        "tools",
}).And(inConfig(wire.Same(
	"audioTimestamp", "enableEnhancedCivicAnswers", "imageConfig", "mediaResolution", responseMimeType, "responseModalities",
	responseSchema, "routingConfig", "speechConfig", "thinkingConfig",
).And(wire.Names{
	"frequency_penalty": "frequencyPenalty",
	"logprobs":          "responseLogprobs",
	"n":                 "candidateCount",
	"presence_penalty":  "presencePenalty",
	"seed":              "seed",
	"stop":              "stopSequences",
	"top_k":             "topK",
	"top_logprobs":      "logprobs",
	"top_p":             "topP",
})))

const (
	configMember     = "generationConfig"
	responseMimeType = "responseMimeType"
	responseSchema   = "responseSchema" // in a format of Google's
	jsonType         = "application/json"

	mimePath   = configMember + "." + responseMimeType
	schemaPath = configMember + ".responseJsonSchema"
)

// inConfig says that options are in the generationConfig.
func inConfig(names wire.Names) wire.Names {
	for name, path := range names {
		names[name] = configMember + "." + path
	}
	return names
}

func encode(chat llm.Chat) (json.RawMessage, error) {
	chat = options.Neutral(chat)
	system, turns, err := wire.System(chat.Messages)
	if err != nil {
		return nil, err
	}
	body := wire.Fields{}
	if len(system) > 0 {
		if body["systemInstruction"], err = writeSystem(system); err != nil {
			return nil, err
		}
	}
	if body["contents"], err = writeTurns(turns, len(system)); err != nil {
		return nil, err
	}
	if chat.MaxTokens != 0 {
		body.Set(configMember+".maxOutputTokens", chat.MaxTokens)
	}
	if chat.Temperature != nil {
		body.Set(configMember+".temperature", *chat.Temperature)
	}
	if err := writeSchema(body, chat.Schema); err != nil {
		return nil, err
	}
	if err := options.Write(body, wire.Stops(jsonByType(chat.Options))); err != nil {
		return nil, err
	}
	return wire.Body(body)
}

// jsonByType replaces the option that asks for JSON by the media type that
// does.
func jsonByType(o llm.Options) llm.Options {
	if wire.Format(o[wire.ResponseFormat]) != wire.FormatObject || o[responseMimeType] != nil {
		return o
	}
	o = maps.Clone(o)
	delete(o, wire.ResponseFormat)
	o[responseMimeType] = json.RawMessage(`"` + jsonType + `"`)
	return o
}

func writeSchema(body wire.Fields, s *llm.Schema) error {
	if s == nil {
		return nil
	}
	lowered, err := wire.LowerDescribed(s, schema.Gemini)
	if err != nil {
		return err
	}
	body.Set(mimePath, jsonType)
	body.Set(schemaPath, wire.InOrder(lowered.JSON))
	return nil
}

// writeSystem writes all instructions as one content. Some clients give that
// the role of the user, which means nothing. It is what RoleDeveloper stands
// for here, so that such a request comes back.
func writeSystem(system []llm.Message) (wire.Fields, error) {
	parts, err := wire.SystemParts(system)
	if err != nil {
		return nil, err
	}
	content, err := writeContent(parts)
	if err == nil && system[0].Role == llm.RoleDeveloper {
		content["role"] = userRole
	}
	return content, err
}

func writeTurns(turns []llm.Message, after int) ([]wire.Fields, error) {
	all := make([]wire.Fields, len(turns))
	for i, m := range turns {
		parts, err := wire.Parts(m)
		if err == nil {
			all[i], err = writeContent(parts)
		}
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", after+i+1, err)
		}
		all[i].SetText("role", roles[m.Role])
	}
	return all, nil
}

// The roles of contents, which may be missing.
const (
	userRole  = "user"
	modelRole = "model"
)

var roles = map[llm.Role]string{llm.RoleUser: userRole, llm.RoleAssistant: modelRole}

// parse takes what it knows of a body. wire.Confirm finds out what is missing.
func parse(o wire.Object) llm.Chat {
	chat := llm.Chat{
		MaxTokens:   wire.Integer(o.At(configMember + ".maxOutputTokens")),
		Temperature: wire.Number(o.At(configMember + ".temperature")),
		Options:     options.Read(o),
	}
	if system := wire.Members(o["systemInstruction"]); system != nil {
		chat.Messages = append(chat.Messages, readSystem(system))
	}
	for _, item := range wire.List(o["contents"]) {
		content := wire.Members(item)
		role := llm.Role("")
		switch content.Text("role") {
		case modelRole:
			role = llm.RoleAssistant
		case userRole:
			role = llm.RoleUser
		}
		chat.Messages = append(chat.Messages, readContent(role, content))
	}
	readFormat(&chat, o.At(schemaPath))
	return chat
}

func readSystem(content wire.Object) llm.Message {
	role := llm.RoleSystem
	if content.Text("role") == userRole {
		role = llm.RoleDeveloper
	}
	m := readContent(role, content)
	for i := range m.Parts {
		if !wire.IsText(&m.Parts[i]) {
			m.Parts[i] = llm.Part{}
		}
	}
	return m
}

// readFormat reads how the answer is to look: by a JSON Schema, as any JSON, or
// as an option of Google's own says.
func readFormat(chat *llm.Chat, text jsontext.Value) {
	isJSON := wire.Text(jsontext.Value(chat.Options[responseMimeType])) == jsonType
	switch {
	case text != nil:
		chat.Schema = &llm.Schema{JSON: []byte(text)}
		chat.Options = wire.Without(chat.Options, responseMimeType)
	case isJSON && chat.Options[responseSchema] == nil:
		chat.Options = wire.Without(chat.Options, responseMimeType)
		if chat.Options == nil {
			chat.Options = llm.Options{}
		}
		chat.Options[wire.ResponseFormat] = json.RawMessage(`{"type":"json_object"}`)
	}
}
