package completions

import (
	"reflect"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
)

// plainReplies are read without reflection.
var plainReplies = []string{
	`{"object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"a\n\u00e9","refusal":null},"finish_reason":"stop","logprobs":null}],
		"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":3,"cache_write_tokens":1},
		"completion_tokens_details":{"reasoning_tokens":2,"audio_tokens":0}},"error":null,"detail":{"a":[1]}}`,
	`{"choices":[{"message":{"content":"","annotations":[],"tool_calls":null,"audio":null}}]}`,
	`{"choices":[{"message":{"content":"a"}}],"usage":{"input_tokens":1,"output_tokens":2,"num_cached_tokens":1,"input_tokens_details":{},"output_tokens_details":{"reasoning_tokens":1}}}`,
	`{"choices":[{"message":{"content":"a"},"finish_reason":"stop","finish_reason":"length"}],"model":"a","model":"b"}`,
}

// otherReplies are not.
var otherReplies = []string{
	``, `{}`, `null`, `[]`, `{"choices":[]}`, `{"choices":null}`,
	`{"choices":[{"message":{"content":"a"}},{"message":{"content":"b"}}]}`,
	`{"choices":[{"message":{"content":"a"}}],"choices":[{"message":{"content":"b"}}]}`,
	`{"choices":[{"message":{"content":"a","content":"b"}}]}`,
	`{"choices":[{"message":{"content":null,"refusal":"no"}}]}`,
	`{"choices":[{"message":{"content":"a","refusal":"no"}}]}`,
	`{"choices":[{"message":{"content":[{"type":"text","text":"a"}]}}]}`,
	`{"choices":[{"message":{"content":"a","tool_calls":[{}]}}]}`,
	`{"choices":[{"message":{"content":"a","annotations":[{}]}}]}`,
	`{"choices":[{"message":{"content":"a","audio":{}}}]}`,
	`{"choices":[{"message":{"content":"a"},"text":"b"}]}`,
	`{"choices":[{"text":"b"}]}`,
	`{"object":1,"choices":[{"message":{"content":"a"}}]}`,
	`{"choices":[{"message":{"content":"a"}}],"usage":null}`,
	`{"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":1e3}}`,
	`{"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":99999999999999999999}}`,
	`{"choices":[{"message":{"content":"a"}}],"status":"completed"}`,
	`{"choices":[{"message":{"content":"a"}}],"\u006dodel":"m"}`,
	`{"choices":[{"message":{"content":"a"}}]`, `{"choices":[{"message":{"content":"a"}}]} {}`, `{"choices":[{"message":{"content":"a"}}],}`,
	`{"output":[{"type":"message","content":[{"text":"a"}]}],"status":"completed"}`,
}

func TestAPlainReplyIsReadAsAnyOther(t *testing.T) {
	t.Parallel()
	for _, body := range plainReplies {
		if _, ok := decodePlain([]byte(body)); !ok {
			t.Errorf("it is plain: %s", body)
		}
		mustBeReadAlike(t, []byte(body))
	}
	for _, body := range otherReplies {
		if got, ok := decodePlain([]byte(body)); ok {
			t.Errorf("%s was read as %+v", body, got)
		}
	}
}

func FuzzPlainReply(f *testing.F) {
	for _, body := range append(plainReplies, otherReplies...) {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) { mustBeReadAlike(t, body) })
}

// mustBeReadAlike compares a plain reply with what reflection reads.
func mustBeReadAlike(t *testing.T, body []byte) {
	t.Helper()
	got, ok := decodePlain(body)
	if !ok {
		return
	}
	var r reply
	if err := jsonv2.Unmarshal(body, &r, tolerant); err != nil {
		t.Fatalf("%s was read, and is %v", body, err)
	}
	if want := r.read(body); !reflect.DeepEqual(got, want) {
		t.Fatalf("%s\ngot  %+v\nwant %+v", body, got, want)
	}
}
