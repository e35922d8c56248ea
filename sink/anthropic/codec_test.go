package anthropic_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/internal/wire/wiretest"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
)

const messages = anthropic.MessagesEndpoint

// codec takes all that a chat can ask for.
var codec = of(anthropic.Version20230601)

func of(version string) *anthropic.Codec {
	c, err := anthropic.NewCodec(version)
	if err != nil {
		panic(err)
	}
	return c
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func TestEncode(t *testing.T) {
	isStrict := true
	for _, test := range []struct {
		chat llm.Chat
		want string
	}{
		{llm.Ask("hi"), `{"max_tokens":8192,"messages":[{"content":"hi","role":"user"}],"model":"m"}`},
		{
			llm.Chat{Messages: []llm.Message{{Role: llm.RoleDeveloper, Text: "a"}, {Role: llm.RoleSystem, Text: "b"}, {Text: "c"}, {Role: llm.RoleAssistant, Text: "d"}}, MaxTokens: 5},
			`{"max_tokens":5,"messages":[{"content":"c","role":"user"},{"content":"d","role":"assistant"}],"model":"m","system":[{"text":"a","type":"text"},{"text":"b","type":"text"}]}`,
		},
		{
			llm.Chat{
				Schema:  &llm.Schema{Name: "n", Description: "d", Strict: &isStrict, JSON: raw(`{"additionalProperties":false,"properties":{},"type":"object"}`)},
				Options: llm.Options{"stop": raw(`"x"`), "max_tokens": raw("5"), "user": raw(`"u"`), "top_p": raw("0.10"), "instructions": raw(`"Be brief."`)},
			},
			`{"max_tokens":5,"messages":[],"metadata":{"user_id":"u"},"model":"m","output_config":{"format":{"schema":{"description":"d","additionalProperties":false,"properties":{},"type":"object"},"type":"json_schema"}},"stop_sequences":["x"],"system":"Be brief.","top_p":0.10}`,
		},
	} {
		if body, err := codec.Encode("m", test.chat); err != nil || string(body) != test.want {
			t.Errorf("%s, %v, want %s", body, err, test.want)
		}
	}
}

func TestEncodeRefusesByName(t *testing.T) {
	with := func(name, value string) llm.Chat {
		chat := llm.Ask("hi")
		chat.Options = llm.Options{name: raw(value)}
		return chat
	}
	say := func(messages ...llm.Message) llm.Chat { return llm.Chat{Messages: messages} }
	image := llm.Part{Image: &llm.File{URL: "u"}, Options: llm.Options{"detail": raw(`"low"`)}}
	described := llm.Chat{Schema: &llm.Schema{Description: "d", JSON: raw(`{"description":"e"}`)}}
	for _, test := range []struct {
		chat llm.Chat
		want string
	}{
		{with("seed", "1"), `"seed"`},
		{with("tools", "[]"), `"tools"`},
		{with("metadata", `{}`), `"metadata"`},
		{with("response_format", `{"type":"json_object"}`), `"response_format"`},
		{say(llm.Message{Text: "a"}, llm.Message{Role: llm.RoleSystem, Text: "b"}), `message 2: the role "system" is only taken before all others`},
		{say(llm.Message{Role: "tool", Text: "a"}), `message 1: the role "tool"`},
		{say(llm.Message{Role: llm.RoleSystem, Parts: []llm.Part{{Image: &llm.File{URL: "u"}}}}), `message 1: part 1: instructions are text`},
		{say(llm.Message{Role: llm.RoleSystem, Text: "a"}, llm.Message{Text: "b", Parts: []llm.Part{image}}), `message 2: part 2: the option "detail"`},
		{say(llm.Message{Parts: []llm.Part{{Document: &llm.File{Type: "text/plain", Data: []byte{0xff}}}}}), `no UTF-8`},
		{say(llm.Message{Parts: []llm.Part{{Document: &llm.File{}}}}), `message 1: a file has to have one of Data, URL and ID`},
		{described, "description"},
		{llm.Chat{Schema: &llm.Schema{}}, "Schema.JSON"},
	} {
		wiretest.Refuses(t, codec, test.chat, test.want)
	}
}

// Bodies as the official clients write them, and the chats that they are.
func TestParse(t *testing.T) {
	warm := 0.5
	for body, want := range map[string]llm.Chat{
		`{"model":"m","max_tokens":64,"system":"sys","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"text","text":"ho"}]}],"temperature":0.5,"stop_sequences":["x"],"top_k":5}`: {
			Messages:  []llm.Message{{Role: llm.RoleSystem, Text: "sys"}, {Role: llm.RoleUser, Text: "hi"}, {Role: llm.RoleAssistant, Parts: []llm.Part{{Text: "ho"}}}},
			MaxTokens: 64, Temperature: &warm, Options: llm.Options{"stop": raw(`["x"]`), "top_k": raw("5")},
		},
		`{"max_tokens":64,"messages":[{"content":[{"text":"hi","type":"text"},
		   {"source":{"data":"JVBERi0=","media_type":"application/pdf","type":"base64"},"type":"document","title":"a.pdf","context":"c","citations":{"enabled":false}},
		   {"source":{"data":"plain","media_type":"text/plain","type":"text"},"type":"document"},
		   {"source":{"url":"https://example.com/a.pdf","type":"url"},"type":"document"},
		   {"source":{"file_id":"file_1","type":"file"},"type":"image"},
		   {"source":{"data":"iVBORw==","media_type":"image/png","type":"base64"},"type":"image","cache_control":{"type":"ephemeral","ttl":"1h"}}],"role":"user"}],
		   "model":"m","output_config":{"effort":"low","format":{"schema":{"additionalProperties":false,"properties":{},"type":"object"},"type":"json_schema"}},"system":[{"text":"sys","cache_control":{"type":"ephemeral"},"type":"text"}],
		   "metadata":{"user_id":"u"},"tools":[{"name":"t","input_schema":{}}],"thinking":{"type":"disabled"}}`: {
			Messages: []llm.Message{
				{Role: llm.RoleSystem, Parts: []llm.Part{{Text: "sys", Options: llm.Options{"cache_control": raw(`{"type":"ephemeral"}`)}}}},
				{Role: llm.RoleUser, Parts: []llm.Part{
					{Text: "hi"},
					{Document: &llm.File{Name: "a.pdf", Type: "application/pdf", Data: []byte("%PDF-")}, Options: llm.Options{"context": raw(`"c"`), "citations": raw(`{"enabled":false}`)}},
					{Document: &llm.File{Type: "text/plain", Data: []byte("plain")}},
					{Document: &llm.File{URL: "https://example.com/a.pdf"}},
					{Image: &llm.File{ID: "file_1"}},
					{Image: &llm.File{Type: "image/png", Data: []byte("\x89PNG")}, Options: llm.Options{"cache_control": raw(`{"ttl":"1h","type":"ephemeral"}`)}},
				}},
			},
			MaxTokens: 64, Schema: &llm.Schema{JSON: raw(`{"additionalProperties":false,"properties":{},"type":"object"}`)},
			Options: llm.Options{
				"effort": raw(`"low"`), "user": raw(`"u"`), "anthropic.tools": raw(`[{"input_schema":{},"name":"t"}]`), "thinking": raw(`{"type":"disabled"}`),
			},
		},
	} {
		if diff := cmp.Diff(want, wiretest.ComesBack(t, codec, messages, body)); diff != "" {
			t.Errorf("%s: -want +got\n%s", body, diff)
		}
	}
	if _, _, err := codec.Parse("/v1/chat/completions", raw(`{}`)); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

func TestParseNamesTheUnknownMember(t *testing.T) {
	content := func(block string) string {
		return `{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[` + block + `]}]}`
	}
	with := func(member string) string { return `{"model":"m","max_tokens":5,"messages":[],` + member + `}` }
	for _, test := range [][2]string{
		{content(`{"type":"tool_result","tool_use_id":"t","content":"c"}`), "messages[0].content[0].content"},
		{content(`{"type":"text"}`), "messages[0].content[0].text"},
		{content(`{"type":"image","source":{"type":"url","url":"u","media_type":"image/png"}}`), "messages[0].content[0].source.media_type"},
		{content(`{"type":"image","source":{"type":"url","url":""}}`), "messages[0].content[0].source"},
		{content(`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"?"}}`), "messages[0].content[0].source"},
		{content(`{"type":"document","source":{"type":"base64","media_type":"text/plain","data":"YQ=="}}`), "messages[0].content[0].source.data"},
		{content(`{"type":"document","source":{"type":"content","content":[]}}`), "messages[0].content[0].source"},
		{content(`{"type":"document","source":{"type":"url","url":"u"},"title":null}`), "messages[0].content[0].title"},

		{`{"model":"m","messages":[]}`, "max_tokens"},
		{with(`"stream":false`), "stream"},
		{with(`"metadata":{"user_id":"u","x":1}`), "metadata.x"},
		{with(`"stop_sequences":null`), "stop_sequences"},
		{with(`"system":[]`), "system"},
		{with(`"system":[{"type":"image","source":{"type":"url","url":"u"}}]`), "system[0].source"},
		{with(`"output_config":{}`), "output_config"},
		{with(`"output_config":{"format":{"type":"json_schema","schema":{},"x":1}}`), "output_config.format.x"},
		{`{"model":"m","max_tokens":5,"messages":[{"role":"system","content":"a"}]}`, "messages[0].role"},
	} {
		wiretest.Names(t, codec, messages, test[0], test[1])
	}
}

// A row goes to another provider as far as that takes it.
func TestEncodeForOtherProviders(t *testing.T) {
	other, err := openai.NewCodec("")
	if err != nil {
		t.Fatal(err)
	}
	const completions = "/v1/chat/completions"
	const theirs = `{"model":"m","messages":[{"role":"developer","content":"sys"},{"role":"user","content":[{"type":"text","text":"hi"},
		{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw=="}}]}],"max_tokens":5,"stop":"x","top_p":0.5,"user":"u",
		"response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{"additionalProperties":false,"properties":{},"type":"object"}}}}`
	const ours = `{"model":"m","system":"sys","messages":[{"role":"user","content":[{"type":"text","text":"hi"},
		{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw=="}}]}],"max_tokens":5,"stop_sequences":["x"],"top_p":0.5,"metadata":{"user_id":"u"},
		"output_config":{"format":{"type":"json_schema","schema":{"additionalProperties":false,"properties":{},"type":"object"}}}}`
	const back = `{"model":"m","messages":[{"role":"system","content":"sys"},{"role":"user","content":[{"type":"text","text":"hi"},
		{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw=="}}]}],"max_completion_tokens":5,"stop":["x"],"top_p":0.5,"user":"u",
		"response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{"additionalProperties":false,"properties":{},"type":"object"}}}}`
	wiretest.Becomes(t, other, completions, theirs, codec, ours)
	wiretest.Becomes(t, codec, messages, ours, other, back)
}

func TestChatsComeBack(t *testing.T) {
	cache := map[string]string{"cache_control": `{"type":"ephemeral"}`}
	shape := wiretest.Shape{
		System: []llm.Role{llm.RoleSystem}, Roles: []llm.Role{llm.RoleUser, llm.RoleAssistant}, Limit: 1,
		Schemas: []llm.Schema{{JSON: raw(`{"additionalProperties":false,"properties":{},"type":"object"}`)}, {JSON: raw(`{"additionalProperties":false,"properties":{"a_b":{"enum":[1.50],"type":"number"}},"required":["a_b"],"type":"object"}`)}},
		Images:  []llm.File{{Type: "image/png", Data: []byte("\x89PNG")}, {URL: "https://example.com/a.png"}, {ID: "file_1"}},
		Documents: []llm.File{
			{Type: "application/pdf", Data: []byte("%PDF-"), Name: "a.pdf"}, {Type: "text/plain", Data: []byte("plain")}, {URL: "https://example.com/a.pdf"}, {ID: "file_2", Name: "b"},
		},
		TextOptions: cache, ImageOptions: cache,
		DocumentOptions: map[string]string{"cache_control": `{"type":"ephemeral"}`, "citations": `{"enabled":false}`, "context": `"c"`},
		Options:         map[string]string{"effort": `"low"`, "stop": `["a"]`, "top_p": "0.10", "top_k": "5", "user": `"u"`, "anthropic.tools": "[]", "thinking": "null"},
	}
	rapid.Check(t, func(rt *rapid.T) { wiretest.RoundTrip(rt, codec, messages, "m", shape.Chats().Draw(rt, "chat")) })
}

func TestRecordedRequestsComeBack(t *testing.T) {
	bodies := wiretest.Recordings(t, "max_tokens")
	if len(bodies) == 0 {
		t.Error("there are none")
	}
	for _, body := range bodies {
		wiretest.ComesBack(t, codec, messages, body)
	}
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{
		`{"model":"m","max_tokens":64,"system":"sys","messages":[{"role":"user","content":"hi"}],"temperature":0.5,"stop_sequences":["x"],"metadata":{"user_id":"u"}}`,
		`{"model":"m","max_tokens":6e1,"system":[{"type":"text","text":"s","cache_control":{}}],"messages":[{"role":"assistant","content":[{"type":"text","text":"a"}]}],"output_config":{"effort":"low","format":{"type":"json_schema","schema":{}}}}`,
		`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"document","title":"t","source":{"type":"base64","media_type":"a/b","data":"AA=="}},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"a"}},{"type":"image","source":{"type":"file","file_id":"f"}}]}]}`,
	} {
		f.Add([]byte(body))
	}
	f.Add([]byte(`{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"document","source":{"type":"url","url":"u"}}]},{"role":"user","content":[{"type":"text","text":"a","citations":[{}]}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		wiretest.Fuzz(t, codec, messages, body)
		wiretest.Fuzz(t, new(anthropic.Codec), messages, body)
	})
}

func TestDecode(t *testing.T) {
	b := llm.Span{From: 2, To: 3} // the text that has citations
	for body, want := range map[string]llm.Reply{
		`{"id":"msg_1","type":"message","role":"assistant","model":"claude-1","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"hi"}],"stop_reason":"end_turn","stop_sequence":null,
		  "usage":{"input_tokens":11,"output_tokens":36,"cache_creation_input_tokens":5,"cache_read_input_tokens":7,"cache_creation":{"ephemeral_5m_input_tokens":5},"service_tier":"batch"}}`: {
			Text: "hi", Finish: "end_turn", Model: "claude-1", Usage: llm.Usage{Input: 23, CachedInput: 7, CacheWrites: 5, Output: 36},
		},
		`{"content":[{"type":"text","text":"Let me see."},{"type":"tool_use","id":"t1","name":"f","input":{"a":1}}],"stop_reason":"tool_use"}`: {
			Text: "Let me see.", Finish: "tool_use", Other: true, ToolCalls: []llm.ToolCall{{ID: "t1", Name: "f", Arguments: raw(`{"a":1}`)}},
		},
		`{"content":[],"stop_reason":"refusal","stop_details":{"type":"refusal","category":"bio","explanation":"I must not."}}`: {Finish: "refusal", Refusal: "I must not."},
		`{"content":[{"type":"text","text":"a ","citations":null},
		  {"type":"text","text":"b","citations":[
		    {"type":"char_location","cited_text":"q","document_index":1,"document_title":"t","start_char_index":3,"end_char_index":5},
		    {"type":"page_location","cited_text":"r","document_index":0,"document_title":null,"start_page_number":1,"end_page_number":2},
		    {"type":"content_block_location","cited_text":"s","document_index":0,"start_block_index":0,"end_block_index":1},
		    {"type":"web_search_result_location","cited_text":"w","url":"https://example.com/","title":"A page"}]}],"stop_reason":"end_turn"}`: {
			Text: "a b", Finish: "end_turn", Citations: []llm.Citation{
				{Quote: "q", Document: 1, Title: "t", Unit: llm.UnitCharacter, From: 3, To: 5, At: b},
				{Quote: "r", Unit: llm.UnitPage, From: 1, To: 2, At: b},
				{Quote: "s", Unit: llm.UnitBlock, To: 1, At: b},
				{Quote: "w", Document: llm.NoDocument, Title: "A page", At: b},
			},
		},
	} {
		got, err := codec.Decode(raw(body))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", body, err, diff)
		}
	}
	for _, body := range []string{"", "<html>", `{"content":7}`} {
		if _, err := codec.Decode(raw(body)); err == nil {
			t.Errorf("%q was decoded", body)
		}
	}
}

func TestFlawsOfReplies(t *testing.T) {
	reply := func(stop, content string) string {
		return `{"type":"message","content":[` + content + `],"stop_reason":"` + stop + `"}`
	}
	said := `{"type":"text","text":"hi"}`
	for body, want := range map[string]llm.Flaw{
		reply("end_turn", said):                                  "",
		reply("stop_sequence", said):                             "",
		reply("tool_use", `{"type":"tool_use","name":"f"}`):      "",
		reply("max_tokens", said):                                llm.FlawCut,
		reply("model_context_window_exceeded", said):             llm.FlawCut,
		reply("refusal", ""):                                     llm.FlawRefused,
		reply("pause_turn", `{"type":"server_tool_use"}`):        llm.FlawInterrupted,
		reply("end_turn", ""):                                    llm.FlawEmpty,
		reply("end_turn", `{"type":"thinking","thinking":"hm"}`): llm.FlawEmpty,
	} {
		got, err := codec.Decode(raw(body))
		if err != nil || got.Flaw() != want {
			t.Errorf("%s: %q, %v, want %q", body, got.Flaw(), err, want)
		}
	}
}
