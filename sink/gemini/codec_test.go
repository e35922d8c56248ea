package gemini_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/gemini"
	"github.com/balerhq/baler/sink/internal/wire/wiretest"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
)

const content = "/v1beta/models/m:generateContent"

var codec = gemini.NewCodec()

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func TestEncode(t *testing.T) {
	isStrict := true
	for _, test := range []struct {
		chat llm.Chat
		want string
	}{
		{llm.Ask("hi"), `{"contents":[{"parts":[{"text":"hi"}],"role":"user"}]}`},
		{
			llm.Chat{Messages: []llm.Message{{Role: llm.RoleSystem, Text: "a"}, {Role: llm.RoleSystem, Text: "b"}, {Text: "c"}, {Role: llm.RoleAssistant, Text: "d"}}, MaxTokens: 5},
			`{"contents":[{"parts":[{"text":"c"}]},{"parts":[{"text":"d"}],"role":"model"}],"generationConfig":{"maxOutputTokens":5},"systemInstruction":{"parts":[{"text":"a"},{"text":"b"}]}}`,
		},
		{
			llm.Chat{
				Schema:  &llm.Schema{Name: "n", Description: "d", Strict: &isStrict, JSON: raw(`{"additionalProperties":false,"properties":{},"type":"object"}`)},
				Options: llm.Options{"stop": raw(`"x"`), "max_tokens": raw("5"), "n": raw(`2`), "top_p": raw("0.10"), "logprobs": raw(`true`), "top_logprobs": raw(`3`)},
			},
			`{"contents":[],"generationConfig":{"candidateCount":2,"logprobs":3,"maxOutputTokens":5,"responseJsonSchema":{"description":"d","additionalProperties":false,"properties":{},"type":"object"},"responseLogprobs":true,"responseMimeType":"application/json","stopSequences":["x"],"topP":0.10}}`,
		},
		{
			llm.Chat{Options: llm.Options{"response_format": raw(`{"type":"json_object"}`)}},
			`{"contents":[],"generationConfig":{"responseMimeType":"application/json"}}`,
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
	both := with("response_format", `{"type":"json_object"}`)
	both.Schema = &llm.Schema{JSON: raw(`{}`)}
	for _, test := range []struct {
		chat llm.Chat
		want string
	}{
		{with("tools", "[]"), `"tools"`},
		{with("anthropic.tools", "[]"), `"anthropic.tools"`},
		{with("metadata", `{}`), `"metadata"`},
		{with("response_format", `{"type":"grammar"}`), `"response_format"`},
		{both, `responseMimeType`},
		{say(llm.Message{Text: "a"}, llm.Message{Role: llm.RoleDeveloper, Text: "b"}), `message 2: the role "developer" is only taken before all others`},
		{say(llm.Message{Role: llm.RoleSystem, Parts: []llm.Part{{Image: &llm.File{URL: "u"}}}}), `message 1: part 1: instructions are text`},
		{say(llm.Message{Role: llm.RoleSystem, Text: "a"}, llm.Message{Text: "b", Parts: []llm.Part{{Image: &llm.File{ID: "files/f"}}}}), `message 2: part 2: the ID of a file`},
		{say(llm.Message{Parts: []llm.Part{{Text: "a", Options: llm.Options{"cache_control": raw(`{}`)}}}}), `message 1: part 1: the option "cache_control"`},
	} {
		wiretest.Refuses(t, codec, test.chat, test.want)
	}
}

// Bodies as the official clients write them, and the chats that they are.
func TestParse(t *testing.T) {
	warm := 0.5
	for body, want := range map[string]llm.Chat{
		`{"contents":[{"parts":[{"text":"hi"}]}]}`: {Messages: []llm.Message{{Text: "hi"}}},
		`{"contents":[{"parts":[{"text":"hi"}],"role":"user"},{"parts":[{"text":"ho"},{"text":"ho"}],"role":"model"}],
		  "generationConfig":{"responseJsonSchema":{"additionalProperties":false,"properties":{},"type":"object"},"responseMimeType":"application/json","temperature":0.5,"topK":5,"stopSequences":["x"]},
		  "systemInstruction":{"parts":[{"text":"sys"}],"role":"user"}}`: {
			Messages: []llm.Message{
				{Role: llm.RoleDeveloper, Text: "sys"}, {Role: llm.RoleUser, Text: "hi"}, {Role: llm.RoleAssistant, Parts: []llm.Part{{Text: "ho"}, {Text: "ho"}}},
			},
			Temperature: &warm, Schema: &llm.Schema{JSON: raw(`{"additionalProperties":false,"properties":{},"type":"object"}`)}, Options: llm.Options{"top_k": raw("5"), "stop": raw(`["x"]`)},
		},
		`{"contents":[{"role":"user","parts":[{"text":"hm","thought":true},{"inlineData":{"mimeType":"image/png","data":"iVBORw=="}},
		  {"fileData":{"mimeType":"application/pdf","fileUri":"https://example.com/v1beta/files/f1"}},{"fileData":{"fileUri":"gs://b/o"}}]}],
		  "generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"OBJECT"},"thinkingConfig":{"thinkingBudget":0}},
		  "safetySettings":[],"tools":[{"googleSearch":{}}]}`: {
			Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{
				{Text: "hm", Options: llm.Options{"thought": raw("true")}},
				{Image: &llm.File{Type: "image/png", Data: []byte("\x89PNG")}},
				{Document: &llm.File{Type: "application/pdf", URL: "https://example.com/v1beta/files/f1"}},
				{Document: &llm.File{URL: "gs://b/o"}},
			}}},
			Options: llm.Options{
				"responseMimeType": raw(`"application/json"`), "responseSchema": raw(`{"type":"OBJECT"}`), "thinkingConfig": raw(`{"thinkingBudget":0}`),
				"safetySettings": raw("[]"), "gemini.tools": raw(`[{"googleSearch":{}}]`),
			},
		},
		`{"contents":[],"generationConfig":{"responseMimeType":"application/json"}}`: {Options: llm.Options{"response_format": raw(`{"type":"json_object"}`)}},
	} {
		if diff := cmp.Diff(want, wiretest.ComesBack(t, codec, content, body)); diff != "" {
			t.Errorf("%s: -want +got\n%s", body, diff)
		}
	}
}

// Names in snake case mean the same, but not within a schema.
func TestParseOfSnakeCase(t *testing.T) {
	wiretest.Becomes(t, codec, content, `{"system_instruction":{"parts":[{"text":"sys"}]},"contents":[{"role":"user","parts":[{"text":"a_b"},{"inline_data":{"mime_type":"image/png","data":"iVBORw=="}},
		{"file_data":{"mime_type":"application/pdf","file_uri":"u_v"}}]}],"generation_config":{"max_output_tokens":5,"top_p":0.5,"response_mime_type":"application/json",
		"response_json_schema":{"type":"object","properties":{"a_b":{}}}},"cached_content":"c_d"}`,
		codec, `{"systemInstruction":{"parts":[{"text":"sys"}]},"contents":[{"role":"user","parts":[{"text":"a_b"},{"inlineData":{"mimeType":"image/png","data":"iVBORw=="}},
		{"fileData":{"mimeType":"application/pdf","fileUri":"u_v"}}]}],"generationConfig":{"maxOutputTokens":5,"topP":0.5,"responseMimeType":"application/json",
		"responseJsonSchema":{"type":"object","properties":{"a_b":{}}}},"cachedContent":"c_d"}`)
}

func TestParseNamesTheUnknownMember(t *testing.T) {
	part := func(part string) string { return `{"contents":[{"role":"user","parts":[{"text":"a"},` + part + `]}]}` }
	for body, member := range map[string]string{
		part(`{"functionCall":{"name":"f","args":{}}}`):                              "contents[0].parts[1].functionCall",
		part(`{"inlineData":{"mimeType":"audio/wav","data":"UklGRg=="}}`):            "contents[0].parts[1].inlineData",
		part(`{"inlineData":{"mimeType":"image/png","data":"-_8"}}`):                 "contents[0].parts[1].inlineData",
		part(`{"text":"b","inlineData":{"mimeType":"image/png","data":"iVBORw=="}}`): "contents[0].parts[1].text",
		`{"contents":[{"role":"function","parts":[{"text":"a"}]}]}`:                  "contents[0].role",
		`{"contents":[{"role":"user","parts":[]}]}`:                                  "contents[0].parts[0]",
		`{"contents":"hi"}`:                                                                              "contents",
		`{"contents":[],"model":"models/m"}`:                                                             "model",
		`{"contents":[],"generationConfig":{}}`:                                                          "generationConfig",
		`{"contents":[],"generationConfig":{"responseJsonSchema":{}}}`:                                   "generationConfig.responseMimeType",
		`{"contents":[],"generationConfig":{"topP":1},"generation_config":{"topP":1}}`:                   "generation_config",
		`{"contents":[],"generationConfig":{"topP":1,"top_p":1}}`:                                        "generationConfig.top_p",
		`{"contents":[],"systemInstruction":{"role":"system","parts":[{"text":"a"}]}}`:                   "systemInstruction.role",
		`{"contents":[],"systemInstruction":{"parts":[{"text":"a"},{"fileData":{"fileUri":"u"}}]}}`:      "systemInstruction.parts[1].fileData",
		`{"contents":[],"systemInstruction":"a"}`:                                                        "systemInstruction",
		`{"contents":[],"generationConfig":{"responseMimeType":"application/json","maxOutputTokens":0}}`: "generationConfig.maxOutputTokens",
	} {
		wiretest.Names(t, codec, content, body, member)
	}
}

func TestEndpoints(t *testing.T) {
	for endpoint, want := range map[string]string{
		gemini.ContentEndpoint: "", "/v1beta/models/gemini-3.5-flash:generateContent": "gemini-3.5-flash", "/v1/models/m:generateContent": "m",
	} {
		if model, _, err := codec.Parse(endpoint, raw(`{"contents":[]}`)); err != nil || model != want {
			t.Errorf("%s: %s, %v", endpoint, model, err)
		}
	}
	for _, endpoint := range []string{"/v1/messages", "/v1beta/models/m:embedContent", ":generateContent", ""} {
		if _, _, err := codec.Parse(endpoint, raw(`{"contents":[]}`)); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

// A row goes to another provider as far as that takes it.
func TestEncodeForOtherProviders(t *testing.T) {
	const ours = `{"contents":[{"role":"user","parts":[{"text":"hi"},{"inlineData":{"mimeType":"image/png","data":"iVBORw=="}}]}],"systemInstruction":{"parts":[{"text":"sys"}]},
		"generationConfig":{"maxOutputTokens":5,"topP":0.5,"stopSequences":["x"],"responseMimeType":"application/json","responseJsonSchema":{"additionalProperties":false,"properties":{},"type":"object"}}}`
	other, err := openai.NewCodec("")
	if err != nil {
		t.Fatal(err)
	}
	wiretest.Becomes(t, codec, content, ours, other, `{"model":"m","messages":[{"role":"system","content":"sys"},{"role":"user","content":[{"type":"text","text":"hi"},
		{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw=="}}]}],"max_completion_tokens":5,"stop":["x"],"top_p":0.5,
		"response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{"additionalProperties":false,"properties":{},"type":"object"}}}}`)
	claude, err := anthropic.NewCodec(anthropic.Version20230601)
	if err != nil {
		t.Fatal(err)
	}
	const theirs = `{"model":"m","system":"sys","messages":[{"role":"user","content":[{"type":"text","text":"hi"},
		{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw=="}}]}],"max_tokens":5,"stop_sequences":["x"],"top_p":0.5,
		"output_config":{"format":{"type":"json_schema","schema":{"additionalProperties":false,"properties":{},"type":"object"}}}}`
	wiretest.Becomes(t, codec, content, ours, claude, theirs)
	wiretest.Becomes(t, claude, anthropic.MessagesEndpoint, theirs, codec, ours)
}

func TestChatsComeBack(t *testing.T) {
	shape := wiretest.Shape{
		System: []llm.Role{llm.RoleSystem, llm.RoleDeveloper}, Roles: []llm.Role{llm.RoleUser, llm.RoleAssistant, ""},
		Schemas:     []llm.Schema{{JSON: raw(`{"additionalProperties":false,"properties":{},"type":"object"}`)}, {JSON: raw(`{"additionalProperties":false,"properties":{"a_b":{"enum":[1.50],"type":"number"}},"required":["a_b"],"type":"object"}`)}},
		Images:      []llm.File{{Type: "image/png", Data: []byte("\x89PNG")}, {Type: "image/png", URL: "https://example.com/a.png"}},
		Documents:   []llm.File{{Type: "application/pdf", Data: []byte("%PDF-")}, {Type: "application/pdf", URL: "https://example.com/a.pdf"}, {URL: "gs://b/o"}},
		TextOptions: map[string]string{"thought": "true"}, ImageOptions: map[string]string{"mediaResolution": `{"level":"LOW"}`},
		Options: map[string]string{
			"stop": `["a"]`, "top_p": "0.10", "top_k": "5", "n": "2", "gemini.tools": "[]", "thinkingConfig": `{"thinkingBudget":0}`, "labels": "{}",
		},
		OneTextIsNoListHere: true,
	}
	rapid.Check(t, func(rt *rapid.T) { wiretest.RoundTrip(rt, codec, content, "m", shape.Chats().Draw(rt, "chat")) })
}

func TestRecordedRequestsComeBack(t *testing.T) {
	bodies := wiretest.Recordings(t, "contents")
	if len(bodies) == 0 {
		t.Error("there are none")
	}
	for _, body := range bodies {
		wiretest.ComesBack(t, codec, content, body)
	}
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{
		`{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"systemInstruction":{"role":"user","parts":[{"text":"s"}]},"generationConfig":{"temperature":0.5,"topP":1,"maxOutputTokens":2e1}}`,
		`{"contents":[{"parts":[{"text":"a","thought":true},{"inlineData":{"mimeType":"image/png","data":"AA=="}},{"fileData":{"mimeType":"a/b","fileUri":"u"}}]}]}`,
		`{"contents":[],"generation_config":{"response_mime_type":"application/json","response_json_schema":{"a_b":1}},"system_instruction":{"parts":[{"inline_data":{"mime_type":"a/b"}}]}}`,
		`{"contents":[],"generationConfig":{"responseMimeType":"application/json"},"tools":[]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if bytes.IndexByte(body, '_') >= 0 { // it comes back in camel case
			if model, chat, err := codec.Parse(content, body); err == nil {
				wiretest.RoundTrip(t, codec, content, model, chat)
				return
			}
		}
		wiretest.Fuzz(t, codec, content, body)
	})
}

func TestDecode(t *testing.T) {
	for body, want := range map[string]llm.Reply{
		`{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"hm","thought":true},{"text":"h"},{"text":"i"}]},"finishReason":"STOP"}],
		  "usageMetadata":{"promptTokenCount":9,"toolUsePromptTokenCount":1,"candidatesTokenCount":3,"thoughtsTokenCount":2,"cachedContentTokenCount":4,"totalTokenCount":15},"modelVersion":"gemini-1","responseId":"r"}`: {
			Text: "hi", Finish: "STOP", Model: "gemini-1", Usage: llm.Usage{Input: 10, CachedInput: 4, Output: 5, Reasoning: 2},
		},
		`{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"},{"content":{"parts":[{"text":"b"}]},"finishReason":"MAX_TOKENS"}]}`: {
			Text: "b", Finish: "MAX_TOKENS", Items: []llm.Item{{Text: "a"}, {Text: "b"}},
		},
		`{"candidates":[{"content":{"parts":[{"functionCall":{"id":"c","name":"f","args":{"a":1}}}]},"finishReason":"STOP"}]}`: {
			Finish: "STOP", Other: true, ToolCalls: []llm.ToolCall{{ID: "c", Name: "f", Arguments: raw(`{"a":1}`)}},
		},
		`{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":9}}`: {
			Finish: "PROHIBITED_CONTENT", Refusal: "the prompt was blocked: PROHIBITED_CONTENT", Usage: llm.Usage{Input: 9},
		},
		`{"candidates":[{"content":{"parts":[{"text":"hi"}]},"finishReason":"STOP","citationMetadata":{"citationSources":[{"startIndex":0,"endIndex":2,"uri":"https://example.com/"}]},
		  "groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://example.com/","title":"A page"}},{"retrievedContext":{"title":"a.pdf","text":"q"}}]}}]}`: {
			Text: "hi", Finish: "STOP", Citations: []llm.Citation{
				{Title: "https://example.com/", Document: llm.NoDocument}, {Title: "A page", Document: llm.NoDocument}, {Title: "a.pdf", Quote: "q", Document: llm.NoDocument},
			},
		},
		`{"embedding":{"values":[0.1]}}`: {Other: true},
	} {
		got, err := codec.Decode(raw(body))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", body, err, diff)
		}
	}
	for _, body := range []string{"", "<html>", `{"candidates":7}`} {
		if _, err := codec.Decode(raw(body)); err == nil {
			t.Errorf("%q was decoded", body)
		}
	}
}

func TestFlawsOfReplies(t *testing.T) {
	reply := func(finish, parts string) string {
		return `{"candidates":[{"content":{"parts":[` + parts + `]},"finishReason":"` + finish + `"}]}`
	}
	said := `{"text":"hi"}`
	for body, want := range map[string]llm.Flaw{
		reply("STOP", said):                          "",
		reply("STOP", `{"functionCall":{}}`):         "",
		reply("MAX_TOKENS", said):                    llm.FlawCut,
		reply("SAFETY", ""):                          llm.FlawFiltered,
		reply("RECITATION", ""):                      llm.FlawFiltered,
		reply("IMAGE_SAFETY", ""):                    llm.FlawFiltered,
		reply("OTHER", said):                         llm.FlawInterrupted,
		reply("MALFORMED_FUNCTION_CALL", ""):         llm.FlawInterrupted,
		reply("STOP", ""):                            llm.FlawEmpty,
		reply("STOP", `{"text":"a","thought":true}`): llm.FlawEmpty,
		`{"promptFeedback":{"blockReason":"OTHER"}}`: llm.FlawRefused,
		`{"candidates":[{"finishReason":"SAFETY"}]}`: llm.FlawFiltered,
		`{}`: llm.FlawEmpty,
	} {
		got, err := codec.Decode(raw(body))
		if err != nil || got.Flaw() != want {
			t.Errorf("%s: %q, %v, want %q", body, got.Flaw(), err, want)
		}
	}
}
