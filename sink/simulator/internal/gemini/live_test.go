package gemini_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

func TestLiveCalls(t *testing.T) {
	const live = "/v1beta/models/m:generateContent"
	config := func(config string) string {
		return `{"contents":[{"parts":[{"text":"My parcel is late"}]}],"generationConfig":` + config + `}`
	}
	inBubble(t, simulator.Config{}, func(a api) {
		o := a.do(200, "POST", live, chat("hello"))
		if o.text("candidates.0.content.parts.0.text") != "general: hello" || o.text("candidates.0.content.role") != "model" || o.text("modelVersion") != "m" ||
			o.at("usageMetadata.promptTokenCount").(float64)+o.at("usageMetadata.candidatesTokenCount").(float64) != o.at("usageMetadata.totalTokenCount") {
			t.Error(o)
		}
		for request, want := range map[string]string{
			chat("[[length]]"): "MAX_TOKENS", chat("[[filter]]"): "SAFETY", config(`{"maxOutputTokens":2}`): "MAX_TOKENS",
		} {
			if o := a.do(200, "POST", live, request); o.text("candidates.0.finishReason") != want {
				t.Errorf("%s: %v", request, o)
			}
		}
		if o := a.do(200, "POST", live, chat("[[refuse]]")); o.text("promptFeedback.blockReason") == "" || o.at("candidates") != nil {
			t.Error(o)
		}
		for _, request := range []string{
			config(`{"responseMimeType":"application/json","responseJsonSchema":{"type":"object","properties":{"n":{"type":"integer","minimum":3},"s":{"enum":["billing","shipping"]}}}}`),
			config(`{"response_mime_type":"application/json","response_schema":{"type":"OBJECT","properties":{"n":{"type":"INTEGER","minimum":3},` +
				`"s":{"type":"STRING","enum":["billing","shipping"]},"l":{"type":"ARRAY","minItems":"2","items":{"type":"STRING"}}}}}`),
		} {
			var answer struct {
				N int
				S string
			}
			text := a.do(200, "POST", live, request).text("candidates.0.content.parts.0.text")
			if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.N != 3 || answer.S != "shipping" {
				t.Errorf("%s, %v", text, err)
			}
		}
		if text := a.do(200, "POST", live, config(`{"responseMimeType":"application/json"}`)).text("candidates.0.content.parts.0.text"); !strings.HasPrefix(text, `{"answer"`) {
			t.Error(text)
		}
		for request, want := range map[string]int{chat("[[429]]"): 429, chat("[[500]]"): 500, chat("[[timeout]]"): 504, `{}`: 400, `{`: 400} {
			if o := a.do(want, "POST", live, request); o.at("error.code") != float64(want) {
				t.Errorf("%s: %v", request, o)
			}
		}
		if o := a.do(200, "POST", "/v1/models/e:embedContent", `{"content":{"parts":[{"text":"hi"}]},"taskType":"RETRIEVAL_QUERY"}`); len(o.at("embedding.values").([]any)) != 4 {
			t.Error(o)
		}
		const embeds = "/v1beta/models/e:batchEmbedContents"
		one := `{"model":"models/e","content":{"parts":[{"text":"hi"}]},"outputDimensionality":2}`
		if o := a.do(200, "POST", embeds, `{"requests":[`+one+","+one+`]}`); len(o.at("embeddings").([]any)) != 2 || len(o.at("embeddings.1.values").([]any)) != 2 {
			t.Error(o)
		}
		for _, request := range []string{
			`{}`, `{"requests":[]}`, `{"requests":[{"content":{"parts":[{"text":"hi"}]}}]}`, `{"requests":[{"model":"models/e"}]}`,
			`{"requests":[` + strings.Repeat(one+",", 100) + one + `]}`,
		} {
			a.do(400, "POST", embeds, request)
		}
		for _, request := range []string{`{"contents":[{"parts":[{"text":"hi"}]}]}`, `{"generateContentRequest":` + chat("hi") + `}`} {
			if o := a.do(200, "POST", "/v1beta/models/m:countTokens", request); o.at("totalTokens").(float64) < 5 {
				t.Errorf("%s: %v", request, o)
			}
		}
		a.do(400, "POST", "/v1beta/models/m:countTokens", `{}`)
	})
}
