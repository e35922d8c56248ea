package mistral_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/balerhq/baler/sink/internal/wire/wiretest"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/mistral"
	"github.com/balerhq/baler/sink/openai"
)

var codec = mistral.NewCodec()

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func TestEncode(t *testing.T) {
	cold, isStrict := 0.0, true
	for _, test := range []struct {
		model string
		chat  llm.Chat
		want  string
	}{
		{"m", llm.Ask("hi"), `{"messages":[{"content":"hi","role":"user"}],"model":"m"}`},
		{"", llm.Ask("hi"), `{"messages":[{"content":"hi","role":"user"}]}`},
		{
			"m",
			llm.Chat{
				Messages:  []llm.Message{{Role: llm.RoleDeveloper, Text: "a"}, {Text: "b"}, {Role: llm.RoleAssistant, Text: "{"}},
				MaxTokens: 5, Temperature: &cold,
				Options: llm.Options{"seed": raw("7"), "prefix": raw("true"), "stop": raw(`"x"`), "safe_prompt": raw("true"), "prompt_mode": raw(`"reasoning"`)},
			},
			`{"max_tokens":5,"messages":[{"content":"a","role":"system"},{"content":"b","role":"user"},{"content":"{","prefix":true,"role":"assistant"}],"model":"m","prompt_mode":"reasoning","random_seed":7,"safe_prompt":true,"stop":"x","temperature":0}`,
		},
		{
			"m",
			llm.Chat{
				Messages: []llm.Message{{Role: llm.RoleUser, Text: "a", Parts: []llm.Part{
					{Image: &llm.File{Type: "image/png", Data: []byte("\x89PNG")}},
					{Document: &llm.File{ID: "f", Name: "not sent"}},
					{Document: &llm.File{Type: "application/pdf", Data: []byte("%PDF-"), Name: "a.pdf"}},
				}}},
				Schema: &llm.Schema{Strict: &isStrict, JSON: raw(`{"additionalProperties":false,"properties":{},"type":"object"}`)},
			},
			`{"messages":[{"content":[{"text":"a","type":"text"},{"image_url":"data:image/png;base64,iVBORw==","type":"image_url"},{"file_id":"f","type":"file"},` +
				`{"document_name":"a.pdf","document_url":"data:application/pdf;base64,JVBERi0=","type":"document_url"}],"role":"user"}],"model":"m",` +
				`"response_format":{"json_schema":{"name":"answer","schema":{"additionalProperties":false,"properties":{},"type":"object"},"strict":true},"type":"json_schema"}}`,
		},
	} {
		if body, err := codec.Encode(test.model, test.chat); err != nil || string(body) != test.want {
			t.Errorf("%s, %v, want %s", body, err, test.want)
		}
	}
}

func TestClientHasTheCodec(t *testing.T) {
	client, err := mistral.New(secret, mistral.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if got := client.Info().Codec; got == nil || got.Endpoint() != codec.Endpoint() || got.Revision() != codec.Revision() {
		t.Errorf("%+v", got)
	}
}

func TestEncodeRefusesByName(t *testing.T) {
	with := func(name, value string) llm.Chat {
		chat := llm.Ask("hi")
		chat.Options = llm.Options{name: raw(value)}
		return chat
	}
	part := func(p llm.Part) llm.Chat { return llm.Chat{Messages: []llm.Message{{Parts: []llm.Part{p}}}} }
	for _, test := range []struct {
		chat llm.Chat
		want string
	}{
		{with("logit_bias", "{}"), `"logit_bias"`},
		{with("anthropic.tools", "[]"), `"anthropic.tools"`},
		{with("max_completion_tokens", "5"), `"max_completion_tokens"`},
		{with("prefix", "true"), `the option "prefix" is taken only if the last message is the assistant's`},
		{with("response_format", `{"type":"grammar"}`), `"response_format"`},
		{part(llm.Part{Image: &llm.File{ID: "f"}}), "message 1: part 1: the endpoint takes no ID of an image"},
		{part(llm.Part{Text: "a", Options: llm.Options{"cache_control": raw("{}")}}), `message 1: part 1: the option "cache_control"`},
		{part(llm.Part{Document: &llm.File{URL: "u"}, Options: llm.Options{"citations": raw("{}")}}), `message 1: part 1: the option "citations"`},
		{part(llm.Part{Document: &llm.File{ID: "f"}, Options: llm.Options{"detail": raw(`"low"`)}}), `message 1: part 1: the option "detail"`},
		{llm.Chat{Schema: &llm.Schema{}}, "Schema.JSON"},
	} {
		wiretest.Refuses(t, codec, test.chat, test.want)
	}
}

// Bodies as the official clients write them, and the chats that they are.
func TestParse(t *testing.T) {
	warm := 0.5
	for body, want := range map[string]llm.Chat{
		`{"messages":[{"role":"user","content":"hi"}],"max_tokens":100}`: {Messages: llm.Ask("hi").Messages, MaxTokens: 100},
		`{"model":"m","messages":[{"role":"system","content":"sys"},{"role":"user","content":[{"type":"text","text":"a"},
			{"type":"image_url","image_url":"https://example.com/a.png"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw==","detail":"low"}},
			{"type":"document_url","document_url":"https://example.com/a.pdf","document_name":"a.pdf"},{"type":"file","file_id":"f"}]},
			{"role":"assistant","content":"{","prefix":true}],"temperature":0.5,"random_seed":9007199254740993,"safe_prompt":false,"prompt_mode":"reasoning",
			"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],"tool_choice":"any","parallel_tool_calls":false,"stop":["x"],"metadata":null}`: {
			Messages: []llm.Message{
				{Role: llm.RoleSystem, Text: "sys"},
				{Role: llm.RoleUser, Parts: []llm.Part{
					{Text: "a"},
					{Image: &llm.File{URL: "https://example.com/a.png"}},
					{Image: &llm.File{Type: "image/png", Data: []byte("\x89PNG")}, Options: llm.Options{"detail": raw(`"low"`)}},
					{Document: &llm.File{URL: "https://example.com/a.pdf", Name: "a.pdf"}},
					{Document: &llm.File{ID: "f"}},
				}},
				{Role: llm.RoleAssistant, Text: "{"},
			},
			Temperature: &warm,
			Options: llm.Options{
				"seed": raw("9007199254740993"), "safe_prompt": raw("false"), "prompt_mode": raw(`"reasoning"`), "tool_choice": raw(`"any"`), "parallel_tool_calls": raw("false"),
				"tools": raw(`[{"function":{"name":"f","parameters":{}},"type":"function"}]`), "stop": raw(`["x"]`), "metadata": raw("null"), "prefix": raw("true"),
			},
		},
		`{"messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"additionalProperties":false,"properties":{},"type":"object"}}}}`: {Schema: &llm.Schema{Name: "n", JSON: raw(`{"additionalProperties":false,"properties":{},"type":"object"}`)}},
		`{"messages":[],"response_format":{"type":"json_object"}}`: {Options: llm.Options{"response_format": raw(`{"type":"json_object"}`)}},
	} {
		if diff := cmp.Diff(want, wiretest.ComesBack(t, codec, mistral.ChatEndpoint, body)); diff != "" {
			t.Errorf("%s: -want +got\n%s", body, diff)
		}
	}
	for _, endpoint := range []string{"/v1/fim/completions", "/v1/embeddings", "/v1/responses", ""} {
		if _, _, err := codec.Parse(endpoint, raw(`{}`)); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

// What says nothing is left out, and not more than that.
func TestParseLeavesDefaultsOut(t *testing.T) {
	wiretest.Becomes(t, codec, mistral.ChatEndpoint, `{"model":"m","stream":false,"messages":[{"role":"assistant","content":"a","prefix":false},
		{"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}},{"type":"text","text":"stream"}]},{"role":"assistant","content":"b","prefix":false}]}`,
		codec, `{"model":"m","messages":[{"role":"assistant","content":"a"},{"role":"user","content":[{"type":"image_url","image_url":"u"},{"type":"text","text":"stream"}]},{"role":"assistant","content":"b"}]}`)
	if _, _, err := codec.Parse(mistral.ChatEndpoint, raw(`{"stream":false,"model":"a","model":"b","messages":[]}`)); err == nil {
		t.Error("a member that is there twice is taken")
	}
}

func TestParseNamesTheUnknownMember(t *testing.T) {
	turn := func(turn string) string { return `{"model":"m","messages":[` + turn + `]}` }
	part := func(part string) string { return turn(`{"role":"user","content":[` + part + `]}`) }
	for body, member := range map[string]string{
		turn(`{"role":"tool","content":"a","tool_call_id":"c"}`):                                                "messages[0].role",
		turn(`{"role":"developer","content":"a"}`):                                                              "messages[0].role",
		turn(`{"role":"assistant","content":"a","prefix":true},{"role":"user","content":"b"}`):                  "messages[0].prefix",
		turn(`{"role":"user","content":"a","prefix":true}`):                                                     "messages[0].prefix",
		turn(`{"role":"assistant","content":null,"tool_calls":[]}`):                                             "messages[0].content",
		part(`{"type":"input_audio","input_audio":"UklGRg=="}`):                                                 "messages[0].content[0].input_audio",
		part(`{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}`):                                    "messages[0].content[0].thinking",
		part(`{"type":"reference","reference_ids":[1]}`):                                                        "messages[0].content[0].reference_ids",
		part(`{"type":"image_url","image_url":""}`):                                                             "messages[0].content[0].image_url",
		part(`{"type":"image_url","image_url":{"url":"u","x":1}}`):                                              "messages[0].content[0].image_url",
		part(`{"type":"document_url","document_url":"u","document_name":null}`):                                 "messages[0].content[0].document_name",
		part(`{"type":"file","file":{"file_id":"f"}}`):                                                          "messages[0].content[0].file",
		`{"model":"m","messages":[],"stream":true}`:                                                             "stream",
		`{"model":"m","messages":[],"max_completion_tokens":5}`:                                                 "max_completion_tokens",
		`{"model":"m","messages":[{"role":"user","content":"a"}],"max_completion_tokens":5}`:                    "max_completion_tokens",
		`{"model":"m","messages":[],"seed":5}`:                                                                  "seed",
		`{"model":"m","messages":[],"max_tokens":0}`:                                                            "max_tokens",
		`{"model":"m","messages":[],"stream":false,"prompt":"a"}`:                                               "prompt",
		`{"model":"","messages":[]}`:                                                                            "model",
		`{"model":"m"}`:                                                                                         "messages",
		`{"model":"m","messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"n","x":1}}}`: "response_format",
	} {
		wiretest.Names(t, codec, mistral.ChatEndpoint, body, member)
	}
}

// A row goes to OpenAI as far as that takes it, and back.
func TestEncodeForOpenAI(t *testing.T) {
	const ours = `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url","image_url":"data:image/png;base64,iVBORw=="}]}],
		"max_tokens":5,"random_seed":7,"top_p":0.5,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"additionalProperties":false,"properties":{},"type":"object"}}}}`
	const theirs = `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw=="}}]}],
		"max_completion_tokens":5,"seed":7,"top_p":0.5,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"additionalProperties":false,"properties":{},"type":"object"}}}}`
	wiretest.Becomes(t, codec, mistral.ChatEndpoint, ours, new(openai.Codec), theirs)
	wiretest.Becomes(t, new(openai.Codec), mistral.ChatEndpoint, theirs, codec, ours)
	chat := llm.Ask("hi")
	chat.Options = llm.Options{"safe_prompt": raw("true")}
	wiretest.Refuses(t, new(openai.Codec), chat, `the option "safe_prompt" is not known here`)
	chat.Options = llm.Options{"prefix": raw("true")}
	wiretest.Refuses(t, new(openai.Codec), chat, `the option "prefix" is not known here`)
}

func TestChatsComeBack(t *testing.T) {
	shape := wiretest.Shape{
		Roles:     []llm.Role{llm.RoleSystem, llm.RoleUser, llm.RoleAssistant},
		Schemas:   []llm.Schema{{Name: "n", JSON: raw(`{"additionalProperties":false,"properties":{},"type":"object"}`)}, {Name: "n", Description: "d", JSON: raw(`{"a":1.50}`)}},
		Images:    []llm.File{{Type: "image/png", Data: []byte("\x89PNG")}, {URL: "https://example.com/a.png"}},
		Documents: []llm.File{{Type: "application/pdf", Data: []byte("%PDF-"), Name: "a.pdf"}, {URL: "https://example.com/a.pdf"}, {ID: "f"}},

		ImageOptions: map[string]string{"detail": `"low"`},
		Options: map[string]string{
			"seed": "9007199254740993", "safe_prompt": "true", "stop": `["a"]`, "top_p": "0.10", "tools": `[{"type":"function"}]`, "metadata": `{"a":{"b":1}}`, "guardrails": "null",
		},
	}
	rapid.Check(t, func(rt *rapid.T) {
		chat := shape.Chats().Draw(rt, "chat")
		if chat.Messages[len(chat.Messages)-1].Role == llm.RoleAssistant && rapid.Bool().Draw(rt, "prefix") {
			if chat.Options == nil {
				chat.Options = llm.Options{}
			}
			chat.Options["prefix"] = raw("true")
		}
		wiretest.RoundTrip(rt, codec, mistral.ChatEndpoint, rapid.SampledFrom([]string{"m", ""}).Draw(rt, "model"), chat)
	})
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{
		`{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":0.5,"max_tokens":2e1,"random_seed":1}`,
		`{"messages":[{"role":"user","content":[{"type":"text","text":"b"},{"type":"image_url","image_url":"data:image/png;base64,iVBORw=="},{"type":"document_url","document_url":"u","document_name":"n"},{"type":"file","file_id":"f"}]}]}`,
		`{"model":"m","stream":false,"messages":[{"role":"assistant","content":"a","prefix":false},{"role":"assistant","content":[{"type":"image_url","image_url":{"url":"u"}}],"prefix":true}]}`,
		`{"model":"m","messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{}}}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		mayShorten := func(hint string) bool { return bytes.Contains(body, []byte(hint)) }
		if mayShorten("false") || mayShorten("image_url") || mayShorten(`\u`) { // it may come back without what says nothing
			if model, chat, err := codec.Parse(mistral.ChatEndpoint, body); err == nil {
				wiretest.RoundTrip(t, codec, mistral.ChatEndpoint, model, chat)
				return
			}
		}
		wiretest.Fuzz(t, codec, mistral.ChatEndpoint, body)
	})
}

func TestDecode(t *testing.T) {
	for body, want := range map[string]llm.Reply{
		`{"id":"a","object":"chat.completion","created":1,"model":"mistral-1","choices":[{"index":0,"message":{"role":"assistant","content":"hi","tool_calls":null,"prefix":false},"finish_reason":"stop"}],
		  "usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"num_cached_tokens":4,"prompt_tokens_details":{"cached_tokens":4}}}`: {
			Text: "hi", Finish: "stop", Model: "mistral-1", Usage: llm.Usage{Input: 9, CachedInput: 4, Output: 3},
		},
		`{"choices":[{"message":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}],"closed":true},{"type":"text","text":"a "},
		  {"type":"reference","reference_ids":[1,"x"]},{"type":"text","text":"b"}]},"finish_reason":"stop"}]}`: {
			Text: "a b", Finish: "stop", Citations: []llm.Citation{{Title: "1", Document: llm.NoDocument}, {Title: "x", Document: llm.NoDocument}},
		},
		`{"choices":[{"message":{"content":"","tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":{"a":1}},"index":0}]},"finish_reason":"tool_calls"}]}`: {
			Finish: "tool_calls", Other: true, ToolCalls: []llm.ToolCall{{ID: "t", Name: "f", Arguments: raw(`{"a":1}`)}},
		},
		`{"choices":[{"message":{"content":[{"type":"tool_file","file_id":"f"}]},"finish_reason":"stop"}]}`: {Finish: "stop", Other: true},
	} {
		got, err := codec.Decode(raw(body))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", body, err, diff)
		}
	}
	for _, body := range []string{"", "<html>", `{"choices":7}`} {
		if _, err := codec.Decode(raw(body)); err == nil {
			t.Errorf("%q was decoded", body)
		}
	}
}

func TestFlawsOfReplies(t *testing.T) {
	reply := func(finish, content string) string {
		return `{"object":"chat.completion","choices":[{"message":{"content":` + content + `},"finish_reason":"` + finish + `"}]}`
	}
	for body, want := range map[string]llm.Flaw{
		reply("stop", `"hi"`):         "",
		reply("length", `"hi"`):       llm.FlawCut,
		reply("model_length", `"hi"`): llm.FlawCut,
		reply("error", `"hi"`):        llm.FlawInterrupted,
		reply("stop", `""`):           llm.FlawEmpty,
		reply("stop", `[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]`):  llm.FlawEmpty,
		`{"object":"error","message":"no","type":"invalid_request_error","code":"3051"}`: llm.FlawEmpty,
		`{"detail":[{"msg":"field required"}]}`:                                          llm.FlawEmpty,
	} {
		got, err := codec.Decode(raw(body))
		if err != nil || got.Flaw() != want {
			t.Errorf("%s: %q, %v, want %q", body, got.Flaw(), err, want)
		}
	}
}
