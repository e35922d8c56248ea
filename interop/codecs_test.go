// Package interop proves that codecs lose nothing of what official Go clients
// send. It is a module of its own, so that their dependencies stay out of
// Baler's.
package interop

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
	"google.golang.org/genai"

	claude "github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/gemini"
	"github.com/balerhq/baler/sink/llm"
	baler "github.com/balerhq/baler/sink/openai"
)

// comesBack checks that what an official client sends is read as a chat, of
// which nothing is lost.
func comesBack(t *testing.T, codec llm.Codec, endpoint string, request any) llm.Chat {
	t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	model, chat, err := codec.Parse(endpoint, body)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	encoded, err := codec.Encode(model, chat)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if json.Unmarshal(encoded, &got) != nil || json.Unmarshal(body, &want) != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("came back as %s, want %s", encoded, body)
	}
	return chat
}

func openAICodec(t *testing.T, endpoint string) llm.Codec {
	t.Helper()
	c, err := baler.NewCodec(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var schema = map[string]any{"type": "object", "properties": map[string]any{"x": map[string]any{"type": "string"}}, "required": []string{"x"}, "additionalProperties": false}

func TestOpenAIsChatRequestsComeBack(t *testing.T) {
	const endpoint = "/v1/chat/completions"
	comesBack(t, openAICodec(t, endpoint), endpoint, openai.ChatCompletionNewParams{
		Model: "gpt-5.4-mini",
		Messages: []openai.ChatCompletionMessageParamUnion{
			openai.SystemMessage("sys"), openai.DeveloperMessage("dev"),
			openai.UserMessage([]openai.ChatCompletionContentPartUnionParam{
				openai.TextContentPart("hi"),
				openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{URL: "data:image/png;base64,iVBORw==", Detail: "low"}),
				openai.FileContentPart(openai.ChatCompletionContentPartFileFileParam{FileData: openai.String("data:application/pdf;base64,JVBERi0="), Filename: openai.String("a.pdf")}),
			}),
			openai.AssistantMessage("ho"), openai.UserMessage("go on"),
		},
		MaxCompletionTokens: openai.Int(20), MaxTokens: openai.Int(21), Temperature: openai.Float(0.2), TopP: openai.Float(0.9), Seed: openai.Int(1 << 60), N: openai.Int(2),
		Logprobs: openai.Bool(true), TopLogprobs: openai.Int(3), Store: openai.Bool(false), User: openai.String("u"), FrequencyPenalty: openai.Float(1), PresencePenalty: openai.Float(-1),
		LogitBias: map[string]int64{"50256": -100}, Metadata: shared.Metadata{"k": "v"}, ReasoningEffort: "low", ServiceTier: "flex", Verbosity: "low",
		Stop:  openai.ChatCompletionNewParamsStopUnion{OfStringArray: []string{"x", "y"}},
		Tools: []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "f", Parameters: schema})},
		ResponseFormat: openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{
			JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "n", Strict: openai.Bool(true), Description: openai.String("d"), Schema: schema},
		}},
	})
}

func TestOpenAIsResponsesRequestsComeBack(t *testing.T) {
	const endpoint = "/v1/responses"
	codec := openAICodec(t, endpoint)
	comesBack(t, codec, endpoint, responses.ResponseNewParams{
		Model: "gpt-5.4-mini", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("hi")},
		Instructions: openai.String("sys"), MaxOutputTokens: openai.Int(20), Temperature: openai.Float(0.2), Store: openai.Bool(false),
		Reasoning: shared.ReasoningParam{Effort: "low", Summary: "auto"},
		Text: responses.ResponseTextConfigParam{Verbosity: "low", Format: responses.ResponseFormatTextConfigUnionParam{
			OfJSONSchema: &responses.ResponseFormatTextJSONSchemaConfigParam{Name: "n", Schema: schema, Strict: openai.Bool(true)},
		}},
	})
	comesBack(t, codec, endpoint, responses.ResponseNewParams{
		Model: "gpt-5.4-mini",
		Input: responses.ResponseNewParamsInputUnion{OfInputItemList: responses.ResponseInputParam{
			responses.ResponseInputItemParamOfMessage("sys", "developer"),
			responses.ResponseInputItemParamOfMessage(responses.ResponseInputMessageContentListParam{
				responses.ResponseInputContentParamOfInputText("hi"),
				{OfInputImage: &responses.ResponseInputImageParam{ImageURL: openai.String("https://example.com/a.png"), Detail: "auto"}},
				{OfInputFile: &responses.ResponseInputFileParam{FileURL: openai.String("https://example.com/a.pdf")}},
			}, "user"),
		}},
	})
}

func TestAnthropicsRequestsComeBack(t *testing.T) {
	codec, err := claude.NewCodec(claude.Version20230601) // a later one refuses some of it
	if err != nil {
		t.Fatal(err)
	}
	request := anthropic.MessageNewParams{
		Model: "claude-haiku-5-5", MaxTokens: 64,
		System:        []anthropic.TextBlockParam{{Text: "sys", CacheControl: anthropic.NewCacheControlEphemeralParam()}},
		Messages:      messagesWithDocuments(false),
		StopSequences: []string{"x"}, Metadata: anthropic.MetadataParam{UserID: anthropic.String("u")},
		OutputConfig: anthropic.OutputConfigParam{Effort: "low", Format: anthropic.JSONOutputFormatParam{Schema: schema}},
		Tools:        []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{Name: "f", InputSchema: anthropic.ToolInputSchemaParam{Properties: schema["properties"]}}}},
	}
	request.SetExtraFields(map[string]any{"temperature": 0.2, "top_k": 5, "top_p": 0.9}) // which this client has no members for
	comesBack(t, codec, claude.MessagesEndpoint, request)
}

// The provider refuses citations beside a schema, so they are a request of their own.
func TestAnthropicsCitationsComeBack(t *testing.T) {
	codec, err := claude.NewCodec(claude.Version20230601)
	if err != nil {
		t.Fatal(err)
	}
	comesBack(t, codec, claude.MessagesEndpoint, anthropic.MessageNewParams{
		Model: "claude-haiku-5-5", MaxTokens: 64, Messages: messagesWithDocuments(true),
	})
}

func messagesWithDocuments(cited bool) []anthropic.MessageParam {
	documents := []anthropic.ContentBlockParamUnion{
		anthropic.NewDocumentBlock(anthropic.Base64PDFSourceParam{Data: "JVBERi0="}),
		anthropic.NewDocumentBlock(anthropic.PlainTextSourceParam{Data: "plain"}),
		anthropic.NewDocumentBlock(anthropic.URLPDFSourceParam{URL: "https://example.com/a.pdf"}),
	}
	documents[0].OfDocument.Title = anthropic.String("a.pdf")
	if cited {
		for _, d := range documents {
			d.OfDocument.Citations = anthropic.CitationsConfigParam{Enabled: anthropic.Bool(true)}
		}
	}
	content := append([]anthropic.ContentBlockParamUnion{anthropic.NewTextBlock("hi"), anthropic.NewImageBlockBase64("image/png", "iVBORw==")}, documents...)
	return []anthropic.MessageParam{anthropic.NewUserMessage(content...), anthropic.NewAssistantMessage(anthropic.NewTextBlock("ho"))}
}

// Google's client has no public form of its requests, so that one is sent.
func TestGeminisRequestsComeBack(t *testing.T) {
	var path string
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.Path
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"candidates":[]}`)
	}))
	t.Cleanup(server.Close)
	client, err := genai.NewClient(t.Context(), &genai.ClientConfig{
		APIKey: "k", Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: server.URL}, HTTPClient: server.Client(),
	})
	if err != nil {
		t.Fatal(err)
	}
	contents := []*genai.Content{
		genai.NewContentFromParts([]*genai.Part{
			genai.NewPartFromText("hi"), genai.NewPartFromBytes([]byte("\x89PNG"), "image/png"), genai.NewPartFromURI("https://example.com/v1beta/files/f", "application/pdf"),
		}, genai.RoleUser),
		genai.NewContentFromText("ho", genai.RoleModel), genai.NewContentFromText("go on", genai.RoleUser),
	}
	for _, cfg := range []*genai.GenerateContentConfig{
		nil,
		{
			SystemInstruction: genai.NewContentFromText("sys", genai.RoleUser), Temperature: genai.Ptr[float32](0.2), TopP: genai.Ptr[float32](0.9), TopK: genai.Ptr[float32](5),
			MaxOutputTokens: 20, CandidateCount: 2, StopSequences: []string{"x"}, Seed: genai.Ptr[int32](7), ResponseMIMEType: "application/json", ResponseJsonSchema: schema,
			ThinkingConfig: &genai.ThinkingConfig{ThinkingBudget: genai.Ptr[int32](0)}, Tools: []*genai.Tool{{GoogleSearch: &genai.GoogleSearch{}}},
		},
		{ResponseMIMEType: "application/json", ResponseSchema: &genai.Schema{Type: genai.TypeObject}},
		{ResponseMIMEType: "application/json"},
	} {
		if _, err := client.Models.GenerateContent(t.Context(), "gemini-3.5-flash", contents, cfg); err != nil {
			t.Fatal(err)
		}
		chat := comesBack(t, gemini.NewCodec(), path, json.RawMessage(body))
		if len(chat.Messages) < 3 {
			t.Errorf("%s is %+v", body, chat)
		}
	}
}
