package anthropic_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/internal/wire/wiretest"
	"github.com/balerhq/baler/sink/llm"
)

// saying is a body of the user's text, with a member more.
func saying(member string) string {
	return `{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}],` + member + `}`
}

// turn is a body with one turn of one block.
func turn(role, block string) string {
	return `{"model":"m","max_tokens":5,"messages":[{"role":"` + role + `","content":[` + block + `]}]}`
}

func TestNewCodecByVersion(t *testing.T) {
	for given, want := range map[string]string{
		"": anthropic.Version20261021, anthropic.Version20261021: anthropic.Version20261021, anthropic.Version20230601: anthropic.Version20230601,
	} {
		c, err := anthropic.NewCodec(given)
		if err != nil || c.Version() != want {
			t.Errorf("%q: %+v, %v", given, c, err)
		}
	}
	if c, err := anthropic.NewCodec("2024-01-01"); c != nil || err == nil || !strings.Contains(err.Error(), anthropic.Version20261021) || !strings.Contains(err.Error(), `"2024-01-01"`) {
		t.Errorf("%v, %v", c, err)
	}
	if zero := new(anthropic.Codec); zero.Version() != anthropic.Version20261021 || zero.Revision() == codec.Revision() || zero.Revision() == 0 {
		t.Errorf("version %s, revision %d, as of %s, revision %d", zero.Version(), zero.Revision(), codec.Version(), codec.Revision())
	}
}

func TestVersion20261021RefusesByName(t *testing.T) {
	for body, option := range map[string]string{
		saying(`"temperature":1`):   "temperature", // which is the default
		saying(`"temperature":0.5`): "temperature",
		saying(`"top_p":0.99`):      "top_p",
		saying(`"top_k":5`):         "top_k",
		turn("assistant", `{"type":"document","source":{"type":"url","url":"u"}}`):             "document",
		turn("user", `{"type":"text","text":"a","citations":[{"type":"x"}]}`):                  "citations",
		turn("user", `{"type":"text","text":"a","citations":{"enabled":true}}`):                "citations",
		turn("user", `{"type":"text","text":"a"},{"type":"text","text":"b","citations":[{}]}`): "citations",
	} {
		wiretest.RefusesOption(t, new(anthropic.Codec), messages, body, option)
		wiretest.ComesBack(t, codec, messages, body)
		if err := codec.Check(messages, raw(body)); err != nil {
			t.Errorf("%s: under %s: %v", body, codec.Version(), err)
		}
	}
}

// What the version takes, and what stands where it means something else.
func TestVersion20261021Takes(t *testing.T) {
	newest := new(anthropic.Codec)
	for _, body := range []string{
		saying(`"stop_sequences":["x"],"tools":[{"name":"top_p","input_schema":{"temperature":1}}]`),
		saying(`"top_p":null`),
		saying(`"thinking":{"type":"adaptive"},"output_config":{"effort":"low"}`),
		turn("user", `{"type":"document","source":{"type":"url","url":"u"},"citations":{"enabled":true}}`),
		turn("user", `{"type":"text","text":"a","citations":[]}`),
		turn("user", `{"type":"text","text":"a","citations":null}`),
		turn("assistant", `{"type":"text","text":"a","citations":[{"type":"x"}]}`),
	} {
		wiretest.ComesBack(t, newest, messages, body)
		if err := newest.Check(messages, raw(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// A body that is no chat is checked, too, and says where the option is.
func TestCheckOfBodiesThatAreNoChats(t *testing.T) {
	newest := new(anthropic.Codec)
	for body, want := range map[string]string{
		saying(`"top_p":1,"mcp_servers_":[]`): `the option "top_p"`,
		saying(`"temperature":"hot"`):         `the option "temperature"`,
		turn("assistant", `{"type":"tool_use","id":"t"},{"type":"document","source":{"type":"content","content":[]}}`): `messages[0].content[1]: the option "document"`,
		turn("user", `{"type":"tool_result","content":"c"},{"type":"text","text":"a","citations":[1],"x":1}`):          `messages[0].content[1]: the option "citations"`,
	} {
		err := newest.Check(messages, raw(body))
		refused, is := errors.AsType[*llm.RefusedOptionError](err)
		if !is || !strings.Contains(err.Error(), want) || !strings.Contains(refused.Reason, "or choose version 2023-06-01") {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
		if err := newest.Check("/v1/complete", raw(body)); err != nil {
			t.Errorf("another endpoint: %v", err)
		}
	}
	for _, body := range []string{``, `7`, `{"messages":7}`, `{"messages":[7,{"content":"a"},{"role":7,"content":[7]}],"stream":false}`} {
		if err := newest.Check(messages, json.RawMessage(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// A chat of another provider goes to a version that takes all of it.
func TestEncodeNamesTheMessage(t *testing.T) {
	document := llm.Message{Role: llm.RoleAssistant, Text: "a", Parts: []llm.Part{{Document: &llm.File{URL: "u"}}}}
	chat := llm.Ask("hi").As("Be brief.").Then(document)
	wiretest.Refuses(t, new(anthropic.Codec), chat, `message 3: part 1: the option "document" is refused in a turn of the assistant by API version 2026-10-21: put it into a turn of the user, or choose version 2023-06-01`)
	if _, err := codec.Encode("m", chat); err != nil {
		t.Error(err)
	}
}
