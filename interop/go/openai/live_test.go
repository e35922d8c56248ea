package openai

import (
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"github.com/balerhq/baler/sink/simulator"
)

// The official client reads every live reply, also below the prefix of the
// provider.
func TestLiveCallsAreAnswered(t *testing.T) {
	srv, _ := start(t, simulator.Config{})
	client := openai.NewClient(option.WithAPIKey("sk-interop"), option.WithBaseURL(srv.BaseURL("openai")),
		option.WithHTTPClient(srv.Client()), option.WithMaxRetries(0))
	ctx := t.Context()

	chat, err := client.Chat.Completions.New(ctx, openai.ChatCompletionNewParams{
		Model: "gpt-4.1-mini", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("I was charged twice")},
	})
	if err != nil || chat.Choices[0].Message.Content != "billing: I was charged twice" || chat.Usage.TotalTokens == 0 {
		t.Errorf("chat %+v, %v", chat, err)
	}
	response, err := client.Responses.New(ctx, responses.ResponseNewParams{
		Model: "gpt-4.1-mini", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("hello")},
	})
	if err != nil || response.OutputText() != "general: hello" {
		t.Errorf("response %+v, %v", response, err)
	}
	embedding, err := client.Embeddings.New(ctx, openai.EmbeddingNewParams{
		Model: "text-embedding-3-small", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"one", "two"}},
	})
	if err != nil || len(embedding.Data) != 2 || len(embedding.Data[1].Embedding) == 0 {
		t.Errorf("embedding %+v, %v", embedding, err)
	}
	moderation, err := client.Moderations.New(ctx, openai.ModerationNewParams{
		Input: openai.ModerationNewParamsInputUnion{OfStringArray: []string{"one", "[[filter]]"}},
	})
	if err != nil || len(moderation.Results) != 2 || !moderation.Results[1].Flagged || !moderation.Results[1].Categories.Violence ||
		moderation.Results[1].Categories.Hate || moderation.Results[1].CategoryAppliedInputTypes.Violence[0] != "text" {
		t.Errorf("moderation %+v, %v", moderation, err)
	}
	completion, err := client.Completions.New(ctx, openai.CompletionNewParams{
		Model: "gpt-3.5-turbo-instruct", Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String("hello")},
	})
	if err != nil || completion.Choices[0].Text != "general: hello" || completion.Choices[0].FinishReason != "stop" {
		t.Errorf("completion %+v, %v", completion, err)
	}
}

// The official client takes an account without quota for what it is, and does
// not see it in uploads.
func TestAnAccountWithoutQuotaIsRefused(t *testing.T) {
	srv, client := start(t, simulator.Config{Blocked: []simulator.Block{{}}})
	file, err := client.Files.New(t.Context(), openai.FileNewParams{
		File: strings.NewReader(rows("hello")), Purpose: openai.FilePurposeBatch, // bytes without a name
	})
	if err != nil {
		t.Fatal(err)
	}
	params := openai.BatchNewParams{
		InputFileID: file.ID, Endpoint: openai.BatchNewParamsEndpointV1ChatCompletions,
		CompletionWindow: openai.BatchNewParamsCompletionWindow24h,
	}
	_, err = client.Batches.New(t.Context(), params)
	wantStatus(t, err, 429)
	srv.SetBlocked()
	if _, err = client.Batches.New(t.Context(), params); err != nil {
		t.Error(err)
	}
}
