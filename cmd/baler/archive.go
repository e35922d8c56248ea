package main

import (
	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
)

// providerFormat is how a provider writes requests and answers.
type providerFormat struct {
	codec llm.Codec
	row   archive.RowFormat
}

func dialectOf(provider string) (providerFormat, error) {
	if provider != "openai" {
		return providerFormat{}, usage("the run has the provider %q, which this program does not know", provider)
	}
	client, err := openai.New("none-is-needed-to-read", openai.Config{})
	return providerFormat{client, openai.AppendRow}, err
}

// openArchive opens the run that the arguments of a command name.
func openArchive(state string, args []string) (*archive.Archive, error) {
	name, err := pickName(state, args)
	if err != nil {
		return nil, err
	}
	a, err := archive.Open(state, name)
	if err != nil {
		return nil, usage("%w", err)
	}
	return a, nil
}

func stateFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "state", defaultState(), "state directory, which remembers the runs; also BALER_STATE")
}
