package main

import (
	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable/archive"
)

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
