package catalog_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/llm"
)

// Answers of endpoints without chats are good answers, and their usage counts.
func TestAnswersOfOtherEndpointsAreNotEmpty(t *testing.T) {
	for _, test := range []struct {
		name, provider, body string
		want                 llm.Reply
	}{
		{
			"embeddings", "openai", `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,0.2]}],"model":"e-1","usage":{"prompt_tokens":8,"total_tokens":8}}`,
			llm.Reply{Other: true, Model: "e-1", Usage: llm.Usage{Input: 8}},
		},
		{
			"embeddings in base64", "openai", `{"object":"list","data":[{"object":"embedding","index":0,"embedding":"zczMPQ=="}],"model":"e-1","usage":{"prompt_tokens":8,"total_tokens":8}}`,
			llm.Reply{Other: true, Model: "e-1", Usage: llm.Usage{Input: 8}},
		},
		{
			"a moderation", "openai", `{"id":"modr-1","model":"m-1","results":[{"flagged":false,"categories":{"violence":false},"category_scores":{"violence":0.1}}]}`,
			llm.Reply{Other: true, Model: "m-1"},
		},
		{
			"a legacy completion", "openai", `{"id":"cmpl-1","object":"text_completion","model":"i-1","choices":[{"text":"hi","index":0,"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}`,
			llm.Reply{Text: "hi", Finish: "stop", Model: "i-1", Usage: llm.Usage{Input: 5, Output: 2}},
		},
		{
			"an image", "openai", `{"created":1,"data":[{"b64_json":"iVBORw=="}],"usage":{"input_tokens":9,"output_tokens":30,"total_tokens":39,"input_tokens_details":{"text_tokens":9,"image_tokens":0}}}`,
			llm.Reply{Other: true, Usage: llm.Usage{Input: 9, Output: 30}},
		},
		{
			"a video", "openai", `{"id":"video_1","object":"video","model":"v-1","status":"queued","progress":0,"error":null}`,
			llm.Reply{Other: true, Model: "v-1"},
		},
		{
			"embeddings", "mistral", `{"id":"a","object":"list","data":[{"object":"embedding","embedding":[0.1],"index":0}],"model":"mistral-embed","usage":{"prompt_tokens":8,"completion_tokens":0,"total_tokens":8,"prompt_audio_seconds":null}}`,
			llm.Reply{Other: true, Model: "mistral-embed", Usage: llm.Usage{Input: 8}},
		},
		{
			"a moderation", "mistral", `{"id":"a","model":"m-1","results":[{"categories":{"pii":false},"category_scores":{"pii":0.1}}]}`,
			llm.Reply{Other: true, Model: "m-1"},
		},
		{
			"a scan", "mistral", `{"pages":[{"index":0,"markdown":"# Bill","images":[],"dimensions":null}],"model":"ocr-1","document_annotation":null,"usage_info":{"pages_processed":1,"doc_size_bytes":9}}`,
			llm.Reply{Other: true, Model: "ocr-1"},
		},
		{
			"a transcription", "mistral", `{"model":"voxtral","text":"hello","language":"en","segments":[],"usage":{"prompt_audio_seconds":4,"prompt_tokens":4,"completion_tokens":2,"total_tokens":6}}`,
			llm.Reply{Other: true, Text: "hello", Model: "voxtral", Usage: llm.Usage{Input: 4, Output: 2}},
		},
		{
			"a filled middle", "mistral", `{"object":"chat.completion","model":"codestral","choices":[{"index":0,"message":{"role":"assistant","content":"x = 1"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2}}`,
			llm.Reply{Text: "x = 1", Finish: "stop", Model: "codestral", Usage: llm.Usage{Input: 5, Output: 2}},
		},
		{"an embedding", "gemini", `{"embedding":{"values":[0.1,0.2]}}`, llm.Reply{Other: true}},
		{"an embedding with its usage", "gemini", `{"embedding":{"values":[0.1]},"usageMetadata":{"promptTokenCount":8}}`, llm.Reply{Other: true, Usage: llm.Usage{Input: 8}}},
		{"embeddings", "gemini", `{"embeddings":[{"values":[0.1]}]}`, llm.Reply{Other: true}},
	} {
		p, _ := catalog.Find(test.provider)
		got := sink.ReadAnswer(&sink.Outcome{Status: 200, Body: json.RawMessage(test.body)}, p.Codec)
		if got.Err != nil || got.Model != test.want.Model {
			t.Errorf("%s of %s: %+v", test.name, test.provider, got)
			continue
		}
		if diff := cmp.Diff(test.want, *got.Reply); diff != "" {
			t.Errorf("%s of %s: -want +got\n%s", test.name, test.provider, diff)
		}
	}
}

// What says that there is no answer is none, and a legacy completion can be
// cut as any other.
func TestAnswersOfOtherEndpointsMayHaveFlaws(t *testing.T) {
	for _, test := range []struct {
		provider, body string
		want           llm.Flaw
	}{
		{"openai", `{"object":"text_completion","choices":[{"text":"hi","finish_reason":"length"}]}`, llm.FlawCut},
		{"openai", `{"object":"text_completion","choices":[{"text":"","finish_reason":"stop"}]}`, llm.FlawEmpty},
		{"openai", `{"object":"video","status":"failed","error":{"code":"moderation_blocked","message":"no"}}`, llm.FlawInterrupted},
		{"openai", `{"object":"response","status":"in_progress"}`, llm.FlawInterrupted},
		{"openai", `{}`, llm.FlawEmpty},
		{"mistral", `{"object":"error","message":"no","code":"3051"}`, llm.FlawEmpty},
		{"mistral", `{"detail":[{"msg":"x"}]}`, llm.FlawEmpty},
		{"gemini", `{"embedding":null}`, llm.FlawEmpty},
		{"gemini", `{"usageMetadata":{"promptTokenCount":8}}`, llm.FlawEmpty},
	} {
		p, _ := catalog.Find(test.provider)
		got := sink.ReadAnswer(&sink.Outcome{Status: 200, Body: json.RawMessage(test.body)}, p.Codec)
		if e, is := got.Err.(*sink.RowError); !is || e.Code != string(test.want) || e.Class != retry.Permanent { //nolint:errorlint // it is never wrapped
			t.Errorf("%s: %s: %+v", test.provider, test.body, got.Err)
		}
	}
}
