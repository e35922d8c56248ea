package completions

import (
	"testing"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/schema"
)

// The short way writes what the long one does, whatever schema came before.
func TestPlainChatsWithSchemasAreWrittenAlike(t *testing.T) {
	t.Parallel()
	strict, loose, hot := true, false, 0.5
	text := []byte(`{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"number","minimum":1e3}},"required":["z"]}`)
	schemas := []*llm.Schema{
		nil,
		{JSON: text},
		{JSON: text, Strict: &strict},
		{JSON: text, Strict: &loose},
		{Name: "n", JSON: text, Strict: &strict},
		{Name: "n", Description: "d \"<é", JSON: text, Strict: &strict},
		{JSON: []byte(`{"type": "object"}`)},
		{},
	}
	formats := []*Format{
		{Messages: "messages", Limit: "max_tokens", Schema: wire.ResponseFormat, WriteSchema: WriteSchema, Dialect: schema.Mistral},
		{Messages: "input", Limit: "max_output_tokens", Schema: "text.format", WriteSchema: WriteFlatSchema, Dialect: schema.OpenAI},
	}
	for _, f := range formats {
		for range 2 {
			for _, s := range schemas {
				chat := llm.Ask("hi").As("Be brief.")
				chat.Schema, chat.MaxTokens, chat.Temperature = s, 7, &hot
				got, err1 := f.encodePlain("m", chat)
				want, err2 := f.encode("m", chat)
				if string(got) != string(want) || (err1 == nil) != (err2 == nil) || err2 == nil && got == nil {
					t.Errorf("%s, %v, want %s, %v", got, err1, want, err2)
				}
			}
		}
	}
}

// A schema that its owner changes is another one.
func TestAChangedSchemaIsWrittenAnew(t *testing.T) {
	t.Parallel()
	f := &Format{Messages: "messages", Limit: "max_tokens", Schema: wire.ResponseFormat, WriteSchema: WriteSchema, Dialect: schema.OpenAI}
	chat := llm.Ask("hi")
	strict := false
	chat.Schema = &llm.Schema{JSON: []byte(`{"title":"a"}`), Strict: &strict}
	first, err1 := f.Encode("m", chat)
	chat.Schema.JSON[10] = 'b'
	second, err2 := f.Encode("m", chat)
	strict = true
	third, err3 := f.encodePlain("m", chat)
	if err1 != nil || err2 != nil || string(first) == string(second) || string(second) == string(third) {
		t.Errorf("%s, %v\n%s, %v\n%s, %v", first, err1, second, err2, third, err3)
	}
}
