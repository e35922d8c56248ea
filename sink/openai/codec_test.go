package openai_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
)

func codec(t *testing.T, endpoint string) *openai.Codec {
	t.Helper()
	c, err := openai.NewCodec(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNewCodecRefusesAnEndpointWithoutChats(t *testing.T) {
	if c, err := openai.NewCodec("/v1/embeddings"); c != nil || err == nil || !strings.Contains(err.Error(), `"/v1/embeddings"`) || !strings.Contains(err.Error(), "/v1/responses") {
		t.Errorf("%v, %v", c, err)
	}
}

// A client writes chats as the codec of its endpoint does.
func TestClientHasTheCodecOfItsEndpoint(t *testing.T) {
	for given, want := range map[string]string{"": "/v1/chat/completions", "/v1/chat/completions": "/v1/chat/completions", "/v1/responses": "/v1/responses"} {
		client, err := openai.New(secret, openai.Config{Endpoint: given})
		if err != nil {
			t.Fatal(err)
		}
		if got := client.Info().Codec; got.Endpoint() != want || got.Revision() != codec(t, given).Revision() {
			t.Errorf("%q: %s, revision %d", given, got.Endpoint(), got.Revision())
		}
	}
}

func TestEncode(t *testing.T) {
	temperature := 0.0
	full := llm.Ask("1 < 2 & \"é\"\n").As("Be brief.")
	full.MaxTokens, full.Temperature = 20, &temperature
	for _, test := range []struct {
		endpoint string
		chat     llm.Chat
		want     string
	}{
		{"", llm.Ask("hi"), `{"messages":[{"content":"hi","role":"user"}],"model":"m"}`},
		{"/v1/chat/completions", full, `{"max_completion_tokens":20,"messages":[{"content":"Be brief.","role":"system"},{"content":"1 < 2 & \"é\"\n","role":"user"}],"model":"m","temperature":0}`},
		{"/v1/responses", full, `{"input":[{"content":"Be brief.","role":"system"},{"content":"1 < 2 & \"é\"\n","role":"user"}],"max_output_tokens":20,"model":"m","temperature":0}`},
	} {
		c := codec(t, test.endpoint)
		endpoint := c.Endpoint()
		body, err := c.Encode("m", test.chat)
		if err != nil || string(body) != test.want {
			t.Errorf("%s, %v, want %s", body, err, test.want)
		}
		if test.endpoint != "" && endpoint != test.endpoint {
			t.Errorf("endpoint is %s", endpoint)
		}
	}
}

// Whatever is asked, its body is in the form in which requests are compared.
func TestEncodeIsCanonical(t *testing.T) {
	temperature := 0.30000000000000004
	chat := llm.Ask("a/b <\u2028\u2029> \x7f\x00\x1f\b\f\n\r\t\"\\ \U0001f600 \xff").As("")
	for _, endpoint := range []string{"/v1/chat/completions", "/v1/responses"} {
		for _, tokens := range []int{0, 1} {
			chat.MaxTokens = tokens
			for _, chat.Temperature = range []*float64{nil, &temperature} {
				body, err := codec(t, endpoint).Encode("m", chat)
				if err != nil {
					t.Fatal(err)
				}
				form := jsontext.Value(bytes.Clone(body))
				if err := form.Canonicalize(); err != nil || string(form) != string(body) {
					t.Errorf("%s, %v, want %s", body, err, form)
				}
			}
		}
	}
}

func TestDecode(t *testing.T) {
	for body, want := range map[string]llm.Reply{
		`{"model":"m-1","choices":[{"finish_reason":"stop","message":{"role":"assistant","content":"hi","refusal":null}}],
		  "usage":{"prompt_tokens":9,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}`: {
			Text: "hi", Finish: "stop", Model: "m-1", Usage: llm.Usage{Input: 9, CachedInput: 4, Output: 3, Reasoning: 2},
		},
		`{"choices":[{"finish_reason":"stop","message":{"content":null,"refusal":"no"}}]}`: {Refusal: "no", Finish: "stop"},
		`{"choices":[{"finish_reason":"length","text":"old"}]}`:                            {Text: "old", Finish: "length"},
		`{"object":"response","model":"m-1","status":"completed","output":[
		  {"type":"reasoning","content":[{"type":"reasoning_text","text":"hm"}]},
		  {"type":"message","content":[{"type":"output_text","text":"a"},{"type":"output_text","text":"b"}]}],
		  "usage":{"input_tokens":9,"output_tokens":3,"input_tokens_details":{"cached_tokens":4},"output_tokens_details":{"reasoning_tokens":2}}}`: {
			Text: "ab", Finish: "completed", Model: "m-1", Usage: llm.Usage{Input: 9, CachedInput: 4, Output: 3, Reasoning: 2},
		},
		`{"object":"response","status":"completed","output":[{"type":"message","content":[{"type":"refusal","refusal":"no"}]}]}`: {Refusal: "no", Finish: "completed"},
		`{"object":"list","data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":5}}`:                                             {Other: true, Usage: llm.Usage{Input: 5}},
		`{"choices":[],"usage":null}`: {},
	} {
		got, err := codec(t, "").Decode(json.RawMessage(body))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", body, err, diff)
		}
	}
	for _, body := range []string{"", "<html>", `{"choices":7}`} {
		if _, err := codec(t, "").Decode(json.RawMessage(body)); err == nil {
			t.Errorf("%q was decoded", body)
		}
	}
}

func TestUsageAdds(t *testing.T) {
	a := llm.Usage{Input: 1, CachedInput: 2, Output: 3, Reasoning: 4}
	if got, want := a.Add(a), (llm.Usage{Input: 2, CachedInput: 4, Output: 6, Reasoning: 8}); got != want {
		t.Errorf("%+v", got)
	}
}

// Of several messages the last is the answer: glued together they would be
// none.
func TestDecodeOfSeveralMessages(t *testing.T) {
	got, err := codec(t, "").Decode(json.RawMessage(`{"object":"response","status":"completed","output":[
		{"type":"message","content":[{"type":"output_text","text":"{\"draft\":1}"}]},
		{"type":"reasoning","content":[]},
		{"type":"message","content":[{"type":"output_text","text":"{\"final\":"},{"type":"output_text","text":"2}"}]}]}`))
	if err != nil || got.Text != `{"final":2}` || got.Flaw() != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFlawsOfReplies(t *testing.T) {
	message := func(finish, message string) string {
		return `{"object":"chat.completion","choices":[{"finish_reason":` + finish + `,"message":{"role":"assistant",` + message + `}}]}`
	}
	output := func(status, more, items string) string {
		return `{"object":"response","status":"` + status + `",` + more + `"output":[` + items + `]}`
	}
	said := `{"type":"message","content":[{"type":"output_text","text":"hi"}]}`
	for body, want := range map[string]llm.Flaw{
		message(`"stop"`, `"content":"hi"`):                            "",
		message(`null`, `"content":"hi"`):                              "",
		message(`"length"`, `"content":"hi"`):                          llm.FlawCut,
		message(`"length"`, `"content":null,"reasoning_content":"hm"`): llm.FlawCut,
		message(`"content_filter"`, `"content":"hi"`):                  llm.FlawFiltered,
		message(`"stop"`, `"content":null,"refusal":"no"`):             llm.FlawRefused,
		message(`"stop"`, `"content":""`):                              llm.FlawEmpty,
		message(`"stop"`, `"content":" \n"`):                           llm.FlawEmpty,
		message(`"stop"`, `"content":null,"reasoning_content":"hm"`):   llm.FlawEmpty,
		message(`"stop"`, `"content":[{"type":"text","text":"hi"}]`):   "",
		message(`"stop"`, `"content":[]`):                              llm.FlawEmpty,
		message(`"error"`, `"content":"hi"`):                           llm.FlawInterrupted,
		message(`"tool_calls"`, `"content":null,"tool_calls":[{}]`):    "",
		message(`"stop"`, `"content":null,"tool_calls":[]`):            llm.FlawEmpty,
		`{"object":"chat.completion","choices":[]}`:                    llm.FlawEmpty,
		`{"object":"chat.completion"}`:                                 llm.FlawEmpty,
		`{"choices":[{"finish_reason":"length","text":"old"}]}`:        llm.FlawCut,
		`{}`:                            llm.FlawEmpty,
		`{"message":"try again"}`:       llm.FlawEmpty,
		`{"object":"list","data":[{}]}`: "",
		`{"id":"modr-1","results":[]}`:  "",
		output("completed", "", said):   "",
		output("incomplete", `"incomplete_details":{"reason":"max_output_tokens"},`, said): llm.FlawCut,
		output("incomplete", `"incomplete_details":{"reason":"content_filter"},`, ""):      llm.FlawFiltered,
		output("incomplete", "", said):                      llm.FlawInterrupted,
		output("in_progress", "", ""):                       llm.FlawInterrupted,
		output("completed", "", ""):                         llm.FlawEmpty,
		output("completed", "", `{"type":"reasoning"}`):     llm.FlawEmpty,
		output("completed", "", `{"type":"function_call"}`): "",
		output("completed", "", `{"type":"message","content":[{"type":"refusal","refusal":"no"}]}`):       llm.FlawRefused,
		output("completed", "", `{"type":"message","content":[{"type":"refusal","refusal":"no"}]},`+said): "",
	} {
		got, err := codec(t, "").Decode(json.RawMessage(body))
		if err != nil || got.Flaw() != want {
			t.Errorf("%s: %q, %v, want %q", body, got.Flaw(), err, want)
		}
	}
}

// Of several choices and messages each is an item, and the last is the answer.
func TestDecodeOfSeveralItems(t *testing.T) {
	for body, want := range map[string]llm.Reply{
		`{"choices":[{"index":0,"finish_reason":"stop","message":{"content":"a"}},{"index":1,"finish_reason":"length","message":{"content":"b"}}]}`: {
			Text: "b", Finish: "length", Items: []llm.Item{{Text: "a"}, {Text: "b"}},
		},
		`{"object":"response","status":"completed","output":[{"type":"message","content":[{"type":"refusal","refusal":"no"}]},
		  {"type":"message","content":[]},{"type":"message","content":[{"type":"output_text","text":"b"}]}]}`: {
			Text: "b", Finish: "completed", Items: []llm.Item{{Refusal: "no"}, {Text: "b"}},
		},
	} {
		got, err := codec(t, "").Decode(json.RawMessage(body))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", body, err, diff)
		}
	}
}

func TestDecodeOfToolCalls(t *testing.T) {
	call := func(id, name, arguments string) llm.ToolCall {
		return llm.ToolCall{ID: id, Name: name, Arguments: json.RawMessage(arguments)}
	}
	for body, want := range map[string][]llm.ToolCall{
		`{"choices":[{"finish_reason":"tool_calls","message":{"content":null,"tool_calls":[
		  {"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
		  {"id":"c2","type":"custom","custom":{"name":"g","input":"any text"}},
		  {"id":"c3","type":"function","function":{"name":"h","arguments":"{\"cut"}}]}}]}`: {
			call("c1", "f", `{"a":1}`), call("c2", "g", `"any text"`), call("c3", "h", `"{\"cut"`),
		},
		`{"choices":[{"message":{"function_call":{"name":"f","arguments":"{}"}}}]}`: {call("", "f", `{}`)},
		`{"choices":[{"message":{"tool_calls":[{"id":7,"function":"?"}]}}]}`:        {{}},
		`{"object":"response","status":"completed","output":[{"type":"function_call","id":"i","call_id":"c1","name":"f","arguments":"{\"a\":1}"},
		  {"type":"custom_tool_call","call_id":"c2","name":"g","input":"any text"},{"type":"web_search_call","id":"w"}]}`: {
			call("c1", "f", `{"a":1}`), call("c2", "g", `"any text"`),
		},
	} {
		got, err := codec(t, "").Decode(json.RawMessage(body))
		if diff := cmp.Diff(want, got.ToolCalls); err != nil || diff != "" || !got.Other || got.Flaw() != "" {
			t.Errorf("%s: %v, %+v\n%s", body, err, got, diff)
		}
	}
}

func TestDecodeOfCitations(t *testing.T) {
	want := []llm.Citation{{Title: "A page", Document: llm.NoDocument}, {Title: "a.pdf", Document: llm.NoDocument}}
	for _, body := range []string{
		`{"choices":[{"finish_reason":"stop","message":{"content":"hi","annotations":[
		  {"type":"url_citation","url_citation":{"start_index":0,"end_index":2,"title":"A page","url":"https://example.com/"}},
		  {"type":"file_citation","filename":"a.pdf"}]}}]}`,
		`{"object":"response","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"hi","annotations":[
		  {"type":"url_citation","start_index":0,"end_index":2,"title":"A page","url":"https://example.com/"},
		  {"type":"file_citation","index":1,"file_id":"file-1","filename":"a.pdf"},{"type":"file_path","index":1}]}]}]}`,
		`{"choices":[{"finish_reason":"stop","message":{"content":"hi","annotations":[{"title":"A page"},{"title":7,"filename":"a.pdf"}]}}]}`,
	} {
		got, err := codec(t, "").Decode(json.RawMessage(body))
		if diff := cmp.Diff(want, got.Citations); err != nil || diff != "" || got.Text != "hi" {
			t.Errorf("%s: %v\n%s", body, err, diff)
		}
	}
	const odd = `{"choices":[{"message":{"content":"hi","annotations":{"a":1}}}],"usage":{"prompt_tokens":9,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":3}}}`
	got, err := codec(t, "").Decode(json.RawMessage(odd))
	if want := (llm.Reply{Text: "hi", Usage: llm.Usage{Input: 9, CachedInput: 4, CacheWrites: 3}}); err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("%+v, %v", got, err)
	}
}
