package anthropic_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/llm"
)

// The mark is on the last block that a chat may share with others, whatever its
// form. A chat that has a mark, or shares nothing, stays as it is.
func TestThePrefixIsMarked(t *testing.T) {
	t.Parallel()
	text := func(s string) llm.Part { return llm.Part{Text: s} }
	document := llm.Part{Document: &llm.File{Type: "text/plain", Data: []byte("the document")}, Options: llm.Options{"context": json.RawMessage(`"c"`)}}
	for name, test := range map[string]struct {
		chat llm.Chat
		want string // stands before the mark; "" if there is none
	}{
		"an instruction":         {llm.Ask("q").As("be brief"), `"system":[{HERE"text":"be brief","type":"text"}]`},
		"an instruction of text": {llm.Ask("q").As("be brief").Then(), `[{HERE"text":"be brief"`},
		"first messages": {
			llm.Ask("a").Then(llm.Message{Role: llm.RoleAssistant, Text: "b"}, llm.Message{Text: "q"}),
			`{"content":[{HERE"text":"b","type":"text"}],"role":"assistant"}`,
		},
		"a document before the question": {llm.Chat{Messages: []llm.Message{{Parts: []llm.Part{document, text("q")}}}}, `[{HERE"context":"c","source":`},
		"a text before the document":     {llm.Chat{Messages: []llm.Message{{Text: "look:", Parts: []llm.Part{document}}}}, `[{HERE"text":"look:","type":"text"},{"context":"c"`},
		"a question alone":               {llm.Ask("q"), ""},
		"one part alone":                 {llm.Chat{Messages: []llm.Message{{Parts: []llm.Part{document}}}}, ""},
		"nothing":                        {llm.Chat{}, ""},
		"an empty instruction":           {llm.Ask("q").As(""), ""},
		"a mark of its own": {llm.Chat{Messages: []llm.Message{
			{Role: llm.RoleSystem, Text: "s"},
			{Parts: []llm.Part{text("a"), {Text: "b", Options: llm.Options{"cache_control": json.RawMessage(`{"type":"ephemeral"}`)}}, text("c")}},
		}}, ""},
		"a mark of all": {llm.Chat{Messages: llm.Ask("q").As("s").Messages, Options: llm.Options{"cache_control": json.RawMessage(`{"type":"ephemeral"}`)}}, ""},
	} {
		codec := new(anthropic.Codec)
		before, _ := json.Marshal(test.chat)
		marked := codec.MarkPrefix(test.chat)
		if after, _ := json.Marshal(test.chat); !bytes.Equal(after, before) {
			t.Errorf("%s: the chat has changed to %s", name, after)
		}
		if test.want == "" {
			if after, _ := json.Marshal(marked); !bytes.Equal(after, before) {
				t.Errorf("%s: %s", name, after)
			}
			continue
		}
		body, err := codec.Encode("m", marked)
		want := strings.Replace(test.want, "HERE", `"cache_control":{"ttl":"1h","type":"ephemeral"},`, 1)
		if err != nil || !strings.Contains(string(body), want) || strings.Count(string(body), "cache_control") != 1 {
			t.Errorf("%s: %s, %v", name, body, err)
		}
	}
}

func TestWhatIsCachedDependsOnTheModel(t *testing.T) {
	t.Parallel()
	client, err := anthropic.New("k", anthropic.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for model, want := range map[string]int{
		"claude-sonnet-4-5-20250929": 1024, "claude-sonnet-4-6": 2048, "claude-opus-4-1": 1024, "claude-opus-4-5": 4096,
		"claude-3-5-haiku-latest": 2048, "claude-haiku-4-5": 4096, "claude-of-tomorrow": 4096,
	} {
		if got := client.Info().PromptCache(model); got != (llm.PromptCache{MinTokens: want, Life: time.Hour}) {
			t.Errorf("%s: %+v", model, got)
		}
	}
}
