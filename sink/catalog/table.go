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
		Calls:     openai.DefaultCalls(),
		ReadError: openai.ReadError, ReadRemaining: openai.ReadRemaining, AppendRow: openai.AppendRow, Codec: new(openai.Codec),
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
	client, err := openai.New(c.Key, openai.Config{BaseURL: c.BaseURL, Retry: c.Retry, Calls: c.Calls})
	if err != nil {
		return nil, err // not a nil *Client in an interface
	}
	return client, nil
}
