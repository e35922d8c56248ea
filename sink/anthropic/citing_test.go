package anthropic_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/internal/wire/wiretest"
	"github.com/balerhq/baler/sink/llm"
)

// Every version refuses citations beside a schema, and of some documents only.
// That is said before anything is bought, in chats and in bodies.
func TestCitationsThatAreRefused(t *testing.T) {
	const cited, plain = `{"type":"document","source":{"type":"url","url":"u"},"citations":{"enabled":true}}`, `{"type":"document","source":{"type":"url","url":"u"}}`
	with := func(member, blocks string) string { return strings.Replace(turn("user", blocks), "{", "{"+member, 1) }
	for _, version := range []string{anthropic.Version20230601, anthropic.Version20261021} {
		codec, err := anthropic.NewCodec(version)
		if err != nil {
			t.Fatal(err)
		}
		for body, words := range map[string]string{
			with(`"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}}},`, cited): "ask for JSON in the prompt",
			with(`"output_format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}},`, cited):            "ask for JSON in the prompt",
			with("", cited+","+plain): "all of them, or for none",
		} {
			wiretest.RefusesOption(t, codec, messages, body, llm.CitationsOption)
			if err := codec.Check(messages, raw(body)); err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: %v", body, err)
			}
		}
		for _, body := range []string{
			with("", cited+","+cited), with("", plain+","+plain),
			with(`"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}}},`, strings.ReplaceAll(cited, "true", "false")),
		} {
			wiretest.ComesBack(t, codec, messages, body)
			if err := codec.Check(messages, raw(body)); err != nil {
				t.Errorf("%s: %v", body, err)
			}
		}
	}
}

func TestCitedPart(t *testing.T) {
	question := llm.Part{Text: "what is it?"}
	if question.Cited().Options != nil {
		t.Error("a text is cited")
	}
	document := llm.Part{Document: &llm.File{Type: "text/plain", Data: []byte("a")}, Options: llm.Options{"context": raw(`"c"`)}}
	chat := llm.Chat{Messages: []llm.Message{{Parts: []llm.Part{document.Cited(), question}}}}
	body, err := new(anthropic.Codec).Encode("m", chat)
	if err != nil || !strings.Contains(string(body), `"citations":{"enabled":true},"context":"c"`) || document.Options[llm.CitationsOption] != nil {
		t.Errorf("%s, %v", body, err)
	}
	chat.Schema = &llm.Schema{JSON: raw(`{}`)}
	_, err = new(anthropic.Codec).Encode("m", chat)
	if _, refused := errors.AsType[*llm.RefusedOptionError](err); !refused {
		t.Errorf("with a schema: %v", err)
	}
}
