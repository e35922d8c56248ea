package openai_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/balerhq/baler/sink/internal/wire/wiretest"
	"github.com/balerhq/baler/sink/llm"
)

const (
	completions = "/v1/chat/completions"
	responses   = "/v1/responses"
)

// Bodies as the official clients write them, and the chats that they are.
func TestParse(t *testing.T) {
	isStrict, half := true, 0.5
	for _, test := range []struct {
		endpoint, body string
		want           llm.Chat
	}{
		{completions, `{"model":"m","messages":[{"role":"user","content":"hi"}]}`, llm.Ask("hi")},
		{completions, ` {"messages" : [{"content":"hi","role":"user"}],"max_completion_tokens":2e1,"temperature":0.50,"model":"m"}`, llm.Chat{
			Messages: []llm.Message{{Role: llm.RoleUser, Text: "hi"}}, MaxTokens: 20, Temperature: &half,
		}},
		{
			completions, `{"model":"m","messages":[{"role":"developer","content":"a"},{"role":"system","content":""},
				{"role":"user","content":[{"type":"text","text":"b"}]},{"role":"assistant","content":"c"}],
				"max_tokens":5,"seed":9007199254740993,"stop":["x"],"top_p":0.10,"logit_bias":{"b":1,"a":-1}}`, llm.Chat{
				Messages: []llm.Message{
					{Role: llm.RoleDeveloper, Text: "a"},
					{Role: llm.RoleSystem},
					{Role: llm.RoleUser, Parts: []llm.Part{{Text: "b"}}},
					{Role: llm.RoleAssistant, Text: "c"},
				},
				Options: llm.Options{
					"max_tokens": json.RawMessage("5"), "seed": json.RawMessage("9007199254740993"), "stop": json.RawMessage(`["x"]`),
					"top_p": json.RawMessage("0.10"), "logit_bias": json.RawMessage(`{"a":-1,"b":1}`),
				},
			},
		},
		{
			completions, `{"model":"m","messages":[{"role":"user","content":[
				{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw==","detail":"low"}},
				{"type":"image_url","image_url":{"url":"https://example.com/a.png"}},
				{"type":"image_url","image_url":{"url":"data:image/png,raw"}},
				{"type":"file","file":{"file_data":"data:application/pdf;base64,JVBERi0=","filename":"a.pdf"}},
				{"type":"file","file":{"file_id":"file-1"}}]}]}`, llm.Chat{
				Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{
					{Image: &llm.File{Type: "image/png", Data: []byte("\x89PNG")}, Options: llm.Options{"detail": json.RawMessage(`"low"`)}},
					{Image: &llm.File{URL: "https://example.com/a.png"}},
					{Image: &llm.File{URL: "data:image/png,raw"}},
					{Document: &llm.File{Type: "application/pdf", Data: []byte("%PDF-"), Name: "a.pdf"}},
					{Document: &llm.File{ID: "file-1"}},
				}}},
			},
		},
		{
			completions, `{"model":"m","messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"description":"d","schema":{"additionalProperties":false,"properties":{},"type":"object"}}}}`,
			llm.Chat{Schema: &llm.Schema{Name: "n", Description: "d", Strict: &isStrict, JSON: json.RawMessage(`{"additionalProperties":false,"properties":{},"type":"object"}`)}},
		},
		{
			completions, `{"model":"m","messages":[],"response_format":{"type":"json_object"}}`,
			llm.Chat{Options: llm.Options{"response_format": json.RawMessage(`{"type":"json_object"}`)}},
		},
		{
			completions, `{"model":"m","messages":[],"response_format":{"type":"text"}}`,
			llm.Chat{Options: llm.Options{"response_format": json.RawMessage(`{"type":"text"}`)}},
		},
		{responses, `{"model":"m","input":"hi"}`, llm.Chat{Messages: []llm.Message{{Text: "hi"}}}},
		{responses, `{"model":"m","input":[{"role":"user","content":"hi"}]}`, llm.Ask("hi")},
		{
			responses, `{"model":"m","instructions":"Be brief.","max_output_tokens":20,"reasoning":{"effort":"low","summary":"auto"},"store":false,
				"text":{"verbosity":"low","format":{"type":"json_schema","name":"n","schema":{"additionalProperties":false,"properties":{},"type":"object"},"strict":true}},"input":[
				{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"https://example.com/a.png","detail":"auto"},
				{"type":"input_image","file_id":"file-1"},{"type":"input_file","file_url":"https://example.com/a.pdf","filename":"a.pdf"},
				{"type":"input_file","file_id":"file-2"},{"type":"input_file","file_data":"data:application/pdf;base64,JVBERi0="}]},
				{"role":"assistant","content":[{"type":"output_text","text":"b","annotations":[]}]}]}`, llm.Chat{
				Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{
					{Text: "a"},
					{Image: &llm.File{URL: "https://example.com/a.png"}, Options: llm.Options{"detail": json.RawMessage(`"auto"`)}},
					{Image: &llm.File{ID: "file-1"}},
					{Document: &llm.File{URL: "https://example.com/a.pdf", Name: "a.pdf"}},
					{Document: &llm.File{ID: "file-2"}},
					{Document: &llm.File{Type: "application/pdf", Data: []byte("%PDF-")}},
				}}, {Role: llm.RoleAssistant, Parts: []llm.Part{{Text: "b", Options: llm.Options{"annotations": json.RawMessage(`[]`)}}}}},
				MaxTokens: 20,
				Schema:    &llm.Schema{Name: "n", Strict: &isStrict, JSON: json.RawMessage(`{"additionalProperties":false,"properties":{},"type":"object"}`)},
				Options: llm.Options{
					"instructions": json.RawMessage(`"Be brief."`), "reasoning_effort": json.RawMessage(`"low"`), "reasoning_summary": json.RawMessage(`"auto"`),
					"store": json.RawMessage(`false`), "verbosity": json.RawMessage(`"low"`),
				},
			},
		},
	} {
		got := wiretest.ComesBack(t, codec(t, test.endpoint), test.endpoint, test.body)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.body, diff)
		}
	}
}

func TestParseNamesTheUnknownMember(t *testing.T) {
	say := func(message string) string {
		return `{"model":"m","messages":[{"role":"user","content":"a"},` + message + `]}`
	}
	part := func(part string) string {
		return say(`{"role":"user","content":[{"type":"text","text":"b"},` + part + `]}`)
	}
	for body, member := range map[string]string{
		part(`{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}`):                                           "messages[1].content[1].input_audio",
		part(`{"type":"image_url","image_url":{"url":"https://example.com/","size":1}}`):                                          "messages[1].content[1].image_url.size",
		part(`{"type":"image_url","image_url":{"url":""}}`):                                                                       "messages[1].content[1].image_url",
		part(`{"type":"file","file":{"file_data":"JVBERi0="}}`):                                                                   "messages[1].content[1].file",
		part(`{"type":"file","file":{"file_id":"f","file_data":"data:a/b;base64,JVBERi0="}}`):                                     "messages[1].content[1].file.file_data",
		part(`{"type":"file","file":{"file_url":"https://example.com/"}}`):                                                        "messages[1].content[1].file",
		part(`{"type":"text","text":7}`):                                                                                          "messages[1].content[1].text",
		part(`7`):                                                                                                                 "messages[1].content[1]",
		say(`{"role":"user","content":[]}`):                                                                                       "messages[1].content",
		say(`{"role":"user","content":null}`):                                                                                     "messages[1].content",
		say(`{"role":"user","content":"b","name":"Ann"}`):                                                                         "messages[1].name",
		say(`{"role":"assistant","content":"b","refusal":null}`):                                                                  "messages[1].refusal",
		say(`{"role":"assistant","content":"","tool_calls":[]}`):                                                                  "messages[1].tool_calls",
		say(`{"role":"tool","content":"b","tool_call_id":"c"}`):                                                                   "messages[1].role",
		`{"model":"m","messages":[],"stream":true}`:                                                                               "stream",
		`{"model":"m","messages":[],"temperature":null}`:                                                                          "temperature",
		`{"model":"m","messages":[],"temperature":9007199254740993}`:                                                              "temperature",
		`{"model":"m","messages":[],"max_completion_tokens":0}`:                                                                   "max_completion_tokens",
		`{"model":"m","messages":[],"max_completion_tokens":1.5}`:                                                                 "max_completion_tokens",
		`{"model":"m","messages":[],"response_format":{"type":"json_schema"}}`:                                                    "response_format",
		`{"model":"m","messages":[],"response_format":{"type":"json_schema","json_schema":{"schema":{}}}}`:                        "response_format.json_schema.name",
		`{"model":"m","messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"","schema":{}}}}`:              "response_format.json_schema.name",
		`{"model":"m","messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{},"strict":[]}}}`: "response_format.json_schema.strict",
		`{"messages":[]}`:           "model",
		`{"model":7,"messages":[]}`: "model",
		`{"model":"m"}`:             "messages",
	} {
		wiretest.Names(t, codec(t, completions), completions, body, member)
	}
	for body, member := range map[string]string{
		`{"model":"m","input":[{"type":"message","role":"user","content":"a"}]}`:                                 "input[0].type",
		`{"model":"m","input":[{"type":"function_call_output","call_id":"c","output":"o"}]}`:                     "input[0].call_id",
		`{"model":"m","input":[{"role":"user","content":[{"type":"output_text","text":"a"}]}]}`:                  "input[0].content[0].type",
		`{"model":"m","input":[{"role":"user","content":[{"type":"input_file","file_url":"u","file_id":"f"}]}]}`: "input[0].content[0].file_url",
		`{"model":"m","input":"a","text":{}}`:                                                                    "text",
		`{"model":"m","input":"a","text":{"format":{"type":"grammar"}}}`:                                         "text",
		`{"model":"m","input":"a","reasoning":{"effort":"low","x":1}}`:                                           "reasoning.x",
	} {
		wiretest.Names(t, codec(t, responses), responses, body, member)
	}
}

func TestParseOfOtherEndpoints(t *testing.T) {
	for _, endpoint := range []string{"/v1/embeddings", "/v1/messages", ""} {
		if _, _, err := codec(t, "").Parse(endpoint, json.RawMessage(`{}`)); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
	for _, body := range []string{"", "[]", `{"a":1,"a":2}`, "{\"a\":\"\xff\"}", "{}{}"} {
		if _, _, err := codec(t, "").Parse(completions, json.RawMessage(body)); err == nil {
			t.Errorf("%s was parsed", body)
		}
	}
}

// A chat that was parsed from one endpoint is encoded for the other as far as
// that takes it.
func TestEncodeForTheOtherEndpoint(t *testing.T) {
	const chatBody = `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"https://example.com/","detail":"low"}}]}],
		"max_tokens":5,"top_p":0.5,"verbosity":"low","reasoning_effort":"low","response_format":{"type":"json_object"}}`
	const responsesBody = `{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"https://example.com/","detail":"low"}]}],
		"max_output_tokens":5,"top_p":0.5,"text":{"verbosity":"low","format":{"type":"json_object"}},"reasoning":{"effort":"low"}}`
	wiretest.Becomes(t, codec(t, completions), completions, chatBody, codec(t, responses), responsesBody)
	wiretest.Becomes(t, codec(t, responses), responses, responsesBody, codec(t, completions), `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"https://example.com/","detail":"low"}}]}],
		"max_completion_tokens":5,"top_p":0.5,"verbosity":"low","reasoning_effort":"low","response_format":{"type":"json_object"}}`)
	wiretest.Becomes(t, codec(t, responses), responses, `{"model":"m","input":"hi","instructions":"Be brief."}`,
		codec(t, completions), `{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"hi"}]}`)
}

func TestEncodeRefusesByName(t *testing.T) {
	with := func(name, value string) llm.Chat {
		chat := llm.Ask("hi")
		chat.Options = llm.Options{name: json.RawMessage(value)}
		return chat
	}
	ask := func(part llm.Part) llm.Chat {
		return llm.Chat{Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{part}}}}
	}
	twice := with("max_tokens", "5")
	twice.MaxTokens = 6
	again := with("response_format", `{"type":"json_object"}`)
	again.Schema = &llm.Schema{JSON: json.RawMessage(`{}`)}
	empty := llm.Ask("hi")
	empty.Schema = &llm.Schema{Name: "n"}
	for _, test := range []struct {
		endpoint string
		chat     llm.Chat
		want     string
	}{
		{completions, with("top_k", "5"), `"top_k"`},
		{completions, with("stream", "true"), `"stream"`},
		{completions, with("messages", "[]"), `"messages"`},
		{completions, with("responses.tools", "[]"), `"responses.tools"`},
		{completions, with("seed", "nonsense"), `seed`},
		{responses, with("seed", "5"), `"seed"`},
		{responses, with("tools", "[]"), `"tools"`},
		{responses, twice, `"max_tokens"`},
		{completions, again, `"response_format"`},
		{completions, empty, `Schema.JSON`},
		{completions, ask(llm.Part{Text: "a", Options: llm.Options{"cache_control": json.RawMessage(`{}`)}}), `message 1: part 1: the option "cache_control"`},
		{completions, ask(llm.Part{Image: &llm.File{ID: "f"}}), `message 1: part 1: the endpoint takes no ID of an image`},
		{completions, ask(llm.Part{Document: &llm.File{URL: "u"}}), `message 1: part 1: the endpoint takes no URL of a document`},
		{responses, ask(llm.Part{Image: &llm.File{}}), `message 1: a file has to have one of Data, URL and ID`},
		{responses, ask(llm.Part{Image: &llm.File{ID: "f", URL: "u"}}), `message 1: a file has to have one of Data, URL and ID`},
		{responses, ask(llm.Part{Image: &llm.File{Data: []byte("a")}}), `message 1: a file with Data has to have a Type`},
		{responses, ask(llm.Part{Text: "a", Image: &llm.File{ID: "f"}}), `message 1: a part is one of text, image and document`},
	} {
		wiretest.Refuses(t, codec(t, test.endpoint), test.chat, test.want)
	}
}

var (
	schemas = func() []llm.Schema {
		yes, no := true, false
		return []llm.Schema{
			{Name: "n", JSON: json.RawMessage(`{"additionalProperties":false,"properties":{},"type":"object"}`)},
			{Name: "n", Strict: &yes, Description: "d", JSON: json.RawMessage(`{"properties":{"a":{"minimum":1.50,"type":"number"}},"required":["a"],"type":"object","additionalProperties":false}`)},
			{Name: "n", Strict: &no, JSON: json.RawMessage(`true`)},
		}
	}()
	image = []llm.File{{Type: "image/png", Data: []byte("\x89PNG")}, {URL: "https://example.com/a.png"}}
	pdf   = []llm.File{{Type: "application/pdf", Data: []byte("%PDF-"), Name: "a.pdf"}, {ID: "file-1"}, {Type: "application/pdf", Data: []byte{0}}}
	every = []llm.Role{llm.RoleSystem, llm.RoleDeveloper, llm.RoleUser, llm.RoleAssistant}
)

func TestChatsComeBack(t *testing.T) {
	shape := wiretest.Shape{
		Roles: every, Schemas: schemas, Images: image, Documents: pdf,
		ImageOptions: map[string]string{"detail": `"low"`, "prompt_cache_breakpoint": `{}`},
		TextOptions:  map[string]string{"prompt_cache_breakpoint": `{"mode":"explicit"}`},
		Options: map[string]string{
			"max_tokens": "5", "stop": `["a"]`, "seed": "9007199254740993", "top_p": "0.10", "tools": `[{"type":"function"}]`, "metadata": `{"a":"b"}`, "user": "null",
		},
	}
	rapid.Check(t, func(rt *rapid.T) {
		wiretest.RoundTrip(rt, codec(t, completions), completions, "m", shape.Chats().Draw(rt, "chat"))
	})
}

func TestChatsOfResponsesComeBack(t *testing.T) {
	shape := wiretest.Shape{
		Roles: every, Schemas: schemas,
		Images: append(image, llm.File{ID: "file-1"}), Documents: append(pdf, llm.File{URL: "https://example.com/a.pdf"}),
		ImageOptions: map[string]string{"detail": `"low"`},
		Options: map[string]string{
			"instructions": `"a"`, "reasoning_effort": `"low"`, "reasoning_summary": `"auto"`, "verbosity": `"low"`, "responses.tools": `[]`, "top_p": "1", "include": `["a"]`,
		},
	}
	rapid.Check(t, func(rt *rapid.T) {
		wiretest.RoundTrip(rt, codec(t, responses), responses, "m", shape.Chats().Draw(rt, "chat"))
	})
}

func TestRecordedRequestsComeBack(t *testing.T) {
	for endpoint, member := range map[string]string{completions: "messages", responses: "input"} {
		for _, body := range wiretest.Recordings(t, member) {
			wiretest.Fuzz(t, codec(t, endpoint), endpoint, []byte(body))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, body := range []string{
		`{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":0.5,"max_completion_tokens":2e1,"seed":1}`,
		`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"b"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw==","detail":"low"}},{"type":"file","file":{"file_id":"f","filename":"n"}}]}]}`,
		`{"model":"m","messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{}}}}`,
		`{"model":"m","input":"hi","text":{"verbosity":"low","format":{"type":"json_schema","name":"n","schema":{}}},"reasoning":{"effort":"low"}}`,
		`{"model":"m","input":[{"role":"assistant","content":[{"type":"output_text","text":"b"}]},{"role":"user","content":[{"type":"input_image","file_id":"f"},{"type":"input_file","file_data":"data:a/b;base64,AA=="}]}]}`,
	} {
		f.Add(true, []byte(body))
		f.Add(false, []byte(body))
	}
	f.Fuzz(func(t *testing.T, isChat bool, body []byte) {
		endpoint := responses
		if isChat {
			endpoint = completions
		}
		wiretest.Fuzz(t, codec(t, endpoint), endpoint, body)
	})
}
