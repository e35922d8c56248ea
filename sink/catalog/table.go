package catalog

import (
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/gemini"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/mistral"
	"github.com/balerhq/baler/sink/openai"
)

// table has the entries in the order in which help names them. An entry is
// whole once it has a client: the tests say what it needs then.
var table = []Provider{
	{
		Name: "openai",
		Keys: []string{openai.KeyVariable}, BaseURL: openai.DefaultBaseURL, BaseURLVariable: openai.BaseURLVariable,
		Calls:     openai.DefaultCalls(),
		ReadError: openai.ReadError, ReadRemaining: openai.ReadRemaining, AppendRow: openai.AppendRow, Codec: new(openai.Codec),
		connect: connectOpenAI,
		Row:     RowFormat{ID: "custom_id", Body: "body"},
		Models: []string{
			"gpt-", "chatgpt-", "o1", "o3", "o4", "codex-", "text-embedding-3-", "text-embedding-ada-", "omni-moderation-",
			"text-moderation-", "babbage-", "davinci-",
		},
		Endpoints: []string{"/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions", "/v1/moderations"},
		Caveats: []string{
			"One model and one endpoint a batch, and at most 50,000 embedding inputs.",
			"Chat completions refer to stored PDFs alone, /v1/responses also to images.",
		},
	},
	{
		Name: "anthropic",
		Keys: []string{anthropic.KeyVariable}, BaseURL: anthropic.DefaultBaseURL, BaseURLVariable: anthropic.BaseURLVariable,
		Calls:     anthropic.DefaultCalls(),
		ReadError: anthropic.ReadError, ReadRemaining: anthropic.ReadRemaining, AppendRow: anthropic.AppendRow, Codec: new(anthropic.Codec),
		connect:   connectAnthropic,
		Versions:  []string{anthropic.Version20261021, anthropic.Version20230601},
		codec:     func(version string) (llm.Codec, error) { return anthropic.NewCodec(version) },
		Row:       RowFormat{ID: "custom_id", Body: "params", Endpoint: always("/v1/messages")},
		Models:    []string{"claude-"},
		Endpoints: []string{"/v1/messages"},
		Caveats: []string{
			"It keeps no tag: a batch whose creation was not answered is known by the ids of its rows, once it has ended.",
			"Under API version 2026-10-21 a chat with temperature, top_p or top_k is refused before anything is bought: --api-version 2023-06-01 takes them.",
		},
	},
	{
		Name: "gemini",
		Keys: []string{gemini.GoogleKeyVariable, gemini.KeyVariable}, BaseURL: gemini.DefaultBaseURL, BaseURLVariable: gemini.BaseURLVariable,
		Calls:     gemini.DefaultCalls(),
		ReadError: gemini.ReadError, AppendRow: gemini.AppendRow, Codec: gemini.NewCodec(),
		connect:   connectGemini,
		Row:       RowFormat{ID: "key", Body: "request", Endpoint: geminiEndpoint, ModelApart: true},
		Models:    []string{"gemini-", "gemma-", "text-embedding-00", "embedding-00"},
		Endpoints: []string{gemini.ContentEndpoint, gemini.EmbedEndpoint},
		Caveats: []string{
			"Results of a batch that expires, 48 hours after its creation, cannot be read: its rows are submitted again.",
			"The account may store 20 GB of files.",
		},
	},
	{
		Name: "mistral",
		Keys: []string{mistral.KeyVariable}, BaseURL: mistral.DefaultBaseURL,
		Calls:     mistral.DefaultCalls(),
		ReadError: mistral.ReadError, ReadRemaining: mistral.ReadRemaining, AppendRow: mistral.AppendRow, Codec: mistral.NewCodec(),
		connect: connectMistral,
		Row:     RowFormat{ID: "custom_id", Body: "body", Endpoint: mistralEndpoint, ModelApart: true},
		Models: []string{
			"mistral-", "open-mistral-", "open-mixtral-", "open-codestral-", "ministral-", "magistral-", "codestral-", "devstral-",
			"pixtral-", "voxtral-",
		},
		Endpoints: []string{
			"/v1/chat/completions", "/v1/embeddings", "/v1/fim/completions", "/v1/moderations", "/v1/chat/moderations", "/v1/ocr",
			"/v1/classifications",
		},
		Caveats: []string{"A workspace may have a million rows pending."},
	},
}

func connectOpenAI(key string, c Config) (client, error) {
	made, err := openai.New(key, openai.Config{
		Organization: c.Organization, Project: c.Project,
		BaseURL: c.BaseURL, Retry: c.Retry, Calls: c.Calls, Limits: c.Limits, AllowHTTP: c.AllowHTTP, Transport: c.Transport,
	})
	if err != nil {
		return nil, err // not a nil *Client in an interface
	}
	return made, nil
}

func connectAnthropic(key string, c Config) (client, error) {
	made, err := anthropic.New(key, anthropic.Config{
		BaseURL: c.BaseURL, Version: c.Version, Retry: c.Retry, Calls: c.Calls, Limits: c.Limits, AllowHTTP: c.AllowHTTP, Transport: c.Transport,
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

func connectGemini(key string, c Config) (client, error) {
	made, err := gemini.New(key, gemini.Config{
		BaseURL: c.BaseURL, Retry: c.Retry, Calls: c.Calls, Limits: c.Limits, AllowHTTP: c.AllowHTTP, Transport: c.Transport,
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

func connectMistral(key string, c Config) (client, error) {
	made, err := mistral.New(key, mistral.Config{
		BaseURL: c.BaseURL, Retry: c.Retry, Calls: c.Calls, Limits: c.Limits, AllowHTTP: c.AllowHTTP, Transport: c.Transport,
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}
