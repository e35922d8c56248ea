package catalog_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/gemini"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/schema"
	"github.com/balerhq/baler/sink/mistral"
	"github.com/balerhq/baler/sink/openai"
)

func codecs(t *testing.T) map[string]llm.Codec {
	t.Helper()
	responses, err := openai.NewCodec("/v1/responses")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]llm.Codec{
		"chat": &openai.Codec{}, "responses": responses, "anthropic": &anthropic.Codec{}, "gemini": &gemini.Codec{}, "mistral": &mistral.Codec{},
	}
}

// strict is a chat with a schema that it is to keep to.
func strict(text string) llm.Chat {
	chat, yes := llm.Ask("Hi"), true
	chat.Schema = &llm.Schema{Name: "ticket", JSON: json.RawMessage(text), Strict: &yes}
	return chat
}

// One chat can go to every provider. Each gets the form that it takes, with the
// members in their order.
func TestASchemaGoesToEveryProvider(t *testing.T) {
	t.Parallel()
	chat := strict(`{"type":"object","properties":{"why":{"type":"string","minLength":3},"kind":{"enum":["bug","bill"]}},"required":["why"]}`)
	const open, closed = `"required":["why"]`, `,"additionalProperties":false}`
	const why = `"schema":{"type":"object","properties":{"why":{"type":"string","description":"JSON Schema of this value, too: {\"minLength\":3}"},"kind":`
	for name, want := range map[string][]string{
		"chat":      {why, `"kind":{"type":["string","null"],"enum":["bug","bill",null]}},"required":["why","kind"]` + closed, `"strict":true`},
		"responses": {why, `"kind":{"type":["string","null"],"enum":["bug","bill",null]}},"required":["why","kind"]` + closed, `"strict":true`},
		"mistral":   {why, `"kind":{"type":["string","null"],"enum":["bug","bill",null]}},"required":["why","kind"]` + closed, `"strict":true`},
		"anthropic": {why, `"kind":{"type":"string","enum":["bug","bill"]}},` + open + closed},
		"gemini":    {strings.Replace(why, "schema", "responseJsonSchema", 1), `"kind":{"type":"string","enum":["bug","bill"]}},` + open + `}`},
	} {
		codec := codecs(t)[name]
		body, err := codec.Encode("m", chat)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, part := range want {
			if !strings.Contains(string(body), part) {
				t.Errorf("%s: %s\nlacks %s", name, body, part)
			}
		}
		if err := codec.Check(codec.Endpoint(), body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_, parsed, err := codec.Parse(codec.Endpoint(), body)
		again, failed := codec.Encode("m", parsed)
		if err != nil || failed != nil || string(again) != string(body) {
			t.Errorf("%s: %s\ncomes back as %s\n%v %v", name, body, again, err, failed)
		}
		lowered, err := codec.Lower(chat.Schema)
		if err != nil || len(lowered.Moved) != 1 || lowered.Moved[0] != "#/properties/why/minLength" {
			t.Errorf("%s: %+v, %v", name, lowered, err)
		}
	}
}

// What a provider cannot take is refused before anything is bought: as a chat,
// and as a body of its own format.
func TestASchemaThatAProviderCannotTakeIsRefused(t *testing.T) {
	t.Parallel()
	const anyMembers = `{"type":"object","properties":{"tags":{"type":"object","additionalProperties":{"type":"string"}}}}`
	const missing = `{"type":"object","properties":{"tags":{"$ref":"#/$defs/tags"}}}`
	for name, codec := range codecs(t) {
		text := anyMembers
		if name == "gemini" {
			text = missing
		}
		_, err := codec.Encode("m", strict(text))
		if u, is := errors.AsType[*schema.UnsupportedError](err); !is || u.Path != "#/properties/tags" {
			t.Errorf("%s: %v", name, err)
		}
		body, err := codec.Encode("m", strict(`{"type":"object","properties":{},"additionalProperties":false}`))
		if err != nil {
			t.Fatal(err)
		}
		body = []byte(strings.Replace(string(body), `{"type":"object","properties":{},"additionalProperties":false}`, text, 1))
		if err := codec.Check(codec.Endpoint(), body); err == nil || !strings.Contains(err.Error(), "#/properties/tags") {
			t.Errorf("%s: %s is taken: %v", name, body, err)
		}
	}
}

// A body keeps the schema that it has, though a chat would be sent with
// another: as a chat that has it sent as it is, or as a body.
func TestABodyKeepsItsSchema(t *testing.T) {
	t.Parallel()
	const own = `{"type":"object","properties":{"b":{"type":"string","minLength":3},"a":{"type":"string","pattern":"x"}},"required":["b"]}`
	for name, codec := range codecs(t) {
		chat := strict(own)
		chat.Schema.Strict = new(bool)
		body, err := codec.Encode("m", chat)
		if err != nil || !strings.Contains(string(body), own) {
			t.Fatalf("%s: %s, %v", name, body, err)
		}
		_, parsed, err := codec.Parse(codec.Endpoint(), body)
		again, failed := codec.Encode("m", parsed)
		if err != nil || failed != nil || string(again) != string(body) {
			t.Errorf("%s: %s\ncomes back as %s\n%v %v", name, body, again, err, failed)
		}
		strictBody := []byte(strings.Replace(string(body), `"strict":false`, `"strict":true`, 1))
		if _, _, err := codec.Parse(codec.Endpoint(), strictBody); string(strictBody) != string(body) {
			if _, is := errors.AsType[*llm.UnknownMemberError](err); !is {
				t.Errorf("%s: %s: %v", name, strictBody, err)
			}
		}
	}
}
