package catalog

import (
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/gemini"
	"github.com/balerhq/baler/sink/mistral"
	"github.com/balerhq/baler/sink/openai"
)

// table has the entries in the order in which help names them.
var table = []Provider{
	{
		Name: "openai",
		Keys: []string{openai.KeyVariable}, BaseURL: openai.DefaultBaseURL, BaseURLVariable: openai.BaseURLVariable,
		Calls: Calls{
			Uploads: openai.DefaultUploadsPerSecond, Creates: openai.DefaultCreatesPerSecond,
			Downloads: openai.DefaultDownloadsPerSecond, Polls: openai.DefaultPollsPerSecond, Deletes: openai.DefaultDeletesPerSecond,
		},
		ReadError: openai.ReadError, ReadRemaining: openai.ReadRemaining, AppendRow: openai.AppendRow,
		connect: connectOpenAI,
	},
	{
		Name: "anthropic",
		Keys: []string{anthropic.KeyVariable}, BaseURL: anthropic.DefaultBaseURL, BaseURLVariable: anthropic.BaseURLVariable,
		ReadError: anthropic.ReadError, ReadRemaining: anthropic.ReadRemaining, Codec: anthropic.NewCodec(),
	},
	{
		Name: "gemini",
		Keys: []string{gemini.GoogleKeyVariable, gemini.KeyVariable}, BaseURL: gemini.DefaultBaseURL, BaseURLVariable: gemini.BaseURLVariable,
		ReadError: gemini.ReadError, Codec: gemini.NewCodec(),
	},
	{
		Name: "mistral",
		Keys: []string{mistral.KeyVariable}, BaseURL: mistral.DefaultBaseURL,
		ReadError: mistral.ReadError, ReadRemaining: mistral.ReadRemaining,
	},
}

func connectOpenAI(c Config) (sink.Provider, error) {
	client, err := openai.New(c.Key, openai.Config{
		BaseURL: c.BaseURL, Retry: c.Retry,
		Calls: openai.Calls{
			Uploads: c.Calls.Uploads, Creates: c.Calls.Creates, Downloads: c.Calls.Downloads,
			Polls: c.Calls.Polls, Deletes: c.Calls.Deletes,
		},
	})
	if err != nil {
		return nil, err // not a nil *Client in an interface
	}
	return client, nil
}
