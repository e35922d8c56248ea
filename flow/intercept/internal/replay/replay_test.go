package replay_test

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/intercept/internal/replay"
)

func TestStreams(t *testing.T) {
	for _, test := range []struct {
		form, body string
		usage      bool
		want       []string
	}{
		{
			"chat.completions", `{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi","tool_calls":[{"id":"t","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}],"usage":{"total_tokens":3}}`, true,
			[]string{
				`data: {"choices":[{"delta":{"content":"hi","role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"},"id":"t","index":0}]},"finish_reason":null,"index":0}],"id":"c","model":"m","object":"chat.completion.chunk","usage":null}`,
				`data: {"choices":[{"delta":{},"finish_reason":"stop","index":0,"logprobs":null}],"id":"c","model":"m","object":"chat.completion.chunk","usage":null}`,
				`data: {"choices":[],"id":"c","model":"m","object":"chat.completion.chunk","usage":{"total_tokens":3}}`,
				`data: [DONE]`,
			},
		},
		{"completions", "{\n\"object\":\"text_completion\"}", false, []string{`data: {"object":"text_completion"}`, `data: [DONE]`}},
		{
			"messages", `{"id":"m","type":"message","content":[{"type":"text","text":"hi"},{"type":"tool_use","id":"t","name":"f","input":{"a":1}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":2,"output_tokens":5}}`, false,
			[]string{
				`event: message_start` + "\n" + `data: {"message":{"content":[],"id":"m","stop_reason":null,"stop_sequence":null,"type":"message","usage":{"input_tokens":2,"output_tokens":0}},"type":"message_start"}`,
				`event: content_block_start` + "\n" + `data: {"content_block":{"text":"","type":"text"},"index":0,"type":"content_block_start"}`,
				`event: content_block_delta` + "\n" + `data: {"delta":{"text":"hi","type":"text_delta"},"index":0,"type":"content_block_delta"}`,
				`event: content_block_stop` + "\n" + `data: {"index":0,"type":"content_block_stop"}`,
				`event: content_block_start` + "\n" + `data: {"content_block":{"id":"t","input":{},"name":"f","type":"tool_use"},"index":1,"type":"content_block_start"}`,
				`event: content_block_delta` + "\n" + `data: {"delta":{"partial_json":"{\"a\":1}","type":"input_json_delta"},"index":1,"type":"content_block_delta"}`,
				`event: content_block_stop` + "\n" + `data: {"index":1,"type":"content_block_stop"}`,
				`event: message_delta` + "\n" + `data: {"delta":{"stop_reason":"tool_use","stop_sequence":null},"type":"message_delta","usage":{"input_tokens":2,"output_tokens":5}}`,
				`event: message_stop` + "\n" + `data: {"type":"message_stop"}`,
			},
		},
		{"gemini", "{\n}", false, []string{`data: {}`}},
	} {
		got, kind, err := replay.Stream(test.form, []byte(test.body), test.usage)
		if want := strings.Join(test.want, "\n\n") + "\n\n"; err != nil || string(got) != want || kind != replay.Events {
			t.Errorf("%s: %v\n%s\nwant\n%s", test.form, err, got, want)
		}
	}
	if got, kind, err := replay.Stream("gemini-list", []byte(`{}`), false); string(got) != `[{}]` || kind != replay.JSON || err != nil {
		t.Errorf("%s, %s, %v", got, kind, err)
	}
}

func TestAResponseAsEvents(t *testing.T) {
	body := `{"id":"r","status":"completed","output":[{"type":"reasoning","id":"q","summary":[]},{"type":"message","id":"m","role":"assistant","status":"completed","content":[{"type":"output_text","text":"hi","annotations":[]}]},{"type":"function_call","id":"f","name":"n","arguments":"{}"}],"usage":{}}`
	got, _, err := replay.Stream("responses", []byte(body), false)
	var kinds []string
	for line := range strings.Lines(string(got)) {
		if kind, ok := strings.CutPrefix(line, "event: response."); ok {
			kinds = append(kinds, strings.TrimSpace(kind))
		}
	}
	want := "created in_progress output_item.added output_item.done output_item.added content_part.added output_text.delta output_text.done content_part.done output_item.done output_item.added function_call_arguments.delta function_call_arguments.done output_item.done completed"
	if strings.Join(kinds, " ") != want || err != nil || !strings.Contains(string(got), `"delta":"hi"`) || !strings.Contains(string(got), `"sequence_number":14`) {
		t.Errorf("%s, %v\n%s", kinds, err, got)
	}
}

// A body that is no answer is an error, and never a panic.
func TestWhatIsNoAnswer(t *testing.T) {
	for _, form := range []string{"chat.completions", "completions", "responses", "messages", "other"} {
		for _, body := range []string{"", "[]", `{"choices":1}`, `{"choices":[{"message":7}]}`, `{"output":[{"type":1}]}`, `{"content":[{}],"usage":{}}`, `{"content":"x"}`} {
			if _, _, err := replay.Stream(form, []byte(body), true); err == nil && strings.HasPrefix(body, "[") {
				t.Errorf("%s: %s is an answer", form, body)
			}
		}
	}
	if got := string(replay.Failure("messages", []byte(`{"type":"error"}`))); got != "event: error\ndata: {\"type\":\"error\"}\n\n" {
		t.Error(got)
	}
}
