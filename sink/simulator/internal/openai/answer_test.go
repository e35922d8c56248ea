package openai_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

func TestEachEndpointHasItsShape(t *testing.T) {
	for name, test := range map[string]struct{ endpoint, body, want string }{
		"response": {
			"/v1/responses", `{"model":"m","input":"hello"}`,
			`{"id":"resp_*","object":"response","created_at":946684800,"status":"completed","error":null,"incomplete_details":null,` +
				`"model":"m","output":[{"type":"message","id":"msg_*","role":"assistant","status":"completed","content":[` +
				`{"type":"output_text","annotations":[],"text":"general: hello"}]}],"usage":{"input_tokens":8,` +
				`"input_tokens_details":{"cached_tokens":0},"output_tokens":4,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":12}}`,
		},
		"refused response": {
			"/v1/responses", `{"model":"m","input":"[[refuse]]"}`,
			`"content":[{"type":"refusal","refusal":"I'm sorry, but I can't help with that."}]`,
		},
		"incomplete response": {
			"/v1/responses", `{"model":"m","input":"[[length]]"}`,
			`"status":"incomplete","error":null,"incomplete_details":{"reason":"max_output_tokens"}`,
		},
		"incomplete chat": {
			"/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"[[length]]"}]}`,
			`"finish_reason":"length"`,
		},
		"refused chat": {
			"/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"[[refuse]]"}]}`,
			`"content":null,"refusal":"I'm sorry, but I can't help with that."`,
		},
		"filtered response": {
			"/v1/responses", `{"model":"m","input":"[[filter]]"}`,
			`"status":"incomplete","error":null,"incomplete_details":{"reason":"content_filter"}`,
		},
		"filtered chat": {
			"/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"[[filter]]"}]}`,
			`"finish_reason":"content_filter"`,
		},
		"cut chat": {
			"/v1/chat/completions", `{"model":"m","max_completion_tokens":2,"messages":[{"role":"user","content":"hello"}]}`,
			`"content":"general:","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"length"`,
		},
		"cut response": {
			"/v1/responses", `{"model":"m","max_output_tokens":1,"input":"hello"}`, `"reason":"max_output_tokens"`,
		},
		"completions": {
			"/v1/completions", `{"model":"m","prompt":["one","two"]}`,
			`{"id":"cmpl-*","object":"text_completion","created":946684800,"model":"m","choices":[` +
				`{"index":0,"text":"general: two","logprobs":null,"finish_reason":"stop"},` +
				`{"index":1,"text":"general: two","logprobs":null,"finish_reason":"stop"}],` +
				`"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,` +
				`"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}`,
		},
		"moderations": {
			"/v1/moderations", `{"input":["one","two"]}`,
			`{"id":"modr-*","model":"omni-moderation-latest","results":[{"flagged":false,"categories":{"harassment":false,`,
		},
		"a flagged moderation": {
			"/v1/moderations", `{"model":"m","input":[{"type":"text","text":"[[filter]]"}]}`,
			`"results":[{"flagged":true,"categories":{"harassment":false,`,
		},
		"embeddings": {
			"/v1/embeddings", `{"model":"m","input":["one","two"]}`, `{"object":"embedding","index":1,"embedding":[`,
		},
		"embedding in base64": {
			"/v1/embeddings", `{"model":"m","input":"one","encoding_format":"base64"}`, `"index":0,"embedding":"`,
		},
		"one embedding": {
			"/v1/embeddings", `{"model":"m","input":"one"}`, `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, c := openaitest.StartInBubble(t, simulator.Config{})
				file := c.Upload(fmt.Sprintf(`{"custom_id":"a","method":"POST","url":%q,"body":%s}`, test.endpoint, test.body)).ID
				var b openaitest.Batch
				c.Do(200, "POST", "/v1/batches", fmt.Sprintf(`{"input_file_id":%q,"endpoint":%q,"completion_window":"24h"}`, file, test.endpoint), &b)
				openaitest.Sleep(time.Second)
				var line struct {
					Response struct{ Body json.RawMessage }
				}
				if err := json.Unmarshal(c.Download(c.Get(b.ID).OutputFileID), &line); err != nil {
					t.Fatal(err)
				}
				got := strings.ReplaceAll(string(line.Response.Body), b.ID+"_1", "*")
				if !strings.Contains(got, test.want) {
					t.Errorf("%s\nwant %s", got, test.want)
				}
			})
		})
	}
}
