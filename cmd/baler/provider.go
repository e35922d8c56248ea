package main

import (
	"cmp"
	"os"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
)

// The environment variables of a run. OpenAI's clients read the same ones.
const (
	keyVariable     = "OPENAI_API_KEY"
	baseURLVariable = "OPENAI_BASE_URL"
)

func defaultState() string { return cmp.Or(os.Getenv("BALER_STATE"), ".baler") }

// newProvider makes the client. The key comes from the environment alone: a
// flag would be seen in the list of processes.
func newProvider(o *options) (sink.Provider, error) {
	if err := checkProvider(o.provider); err != nil {
		return nil, err
	}
	key := os.Getenv(keyVariable)
	if key == "" {
		return nil, usage("%s is not set: set it to the key of the account that pays", keyVariable)
	}
	return newClient(o, key)
}

// newKeyless makes a client for what makes no call.
func newKeyless(o *options) (sink.Provider, error) {
	if err := checkProvider(o.provider); err != nil {
		return nil, err
	}
	return newClient(o, "none")
}

func checkProvider(name string) error {
	if name != "openai" {
		return usage("--provider %q is not known: it must be openai", name)
	}
	return nil
}

func newClient(o *options, key string) (sink.Provider, error) {
	client, err := openai.New(key, openai.Config{
		BaseURL: cmp.Or(o.baseURL, os.Getenv(baseURLVariable)),
		Calls:   o.pace.calls(),
		Retry:   retry.Policy{Delay: o.poll}, // a short poll interval wants short retries
	})
	if err != nil {
		return nil, usage("%w", err)
	}
	return client, nil
}
