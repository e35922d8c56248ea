package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/state"
)

// heldDir is a state directory whose index is open until Close, so that one
// that cannot be opened is told of before anything else is done.
type heldDir struct {
	*durable.Dir
	index state.Store
}

// holdDir opens the state directory and its index.
func holdDir(path string, c state.Config) (*heldDir, error) {
	dir, err := durable.Open(path)
	if err != nil {
		return nil, refusedState(err, path)
	}
	dir = dir.With(c)
	index, err := dir.Store()
	if err != nil {
		return nil, refusedState(err, path)
	}
	return &heldDir{dir, index}, nil
}

// Close closes the index.
func (d *heldDir) Close() error { return d.index.Close() }

// quietDir returns a state directory without opening its index.
func quietDir(path string, log *slog.Logger) (*durable.Dir, error) {
	dir, err := durable.Open(path)
	if err != nil {
		return nil, err
	}
	return dir.With(state.Config{Log: log}), nil
}

// runsOf lists the runs of a state directory.
func runsOf(path string) ([]durable.Status, error) {
	dir, err := durable.Open(path)
	if err != nil {
		return nil, err
	}
	return dir.Runs()
}

// attachTo returns a handle of the run of that name in a state directory.
func attachTo(path, name string) (*durable.Handle, error) {
	dir, err := durable.Open(path)
	if err != nil {
		return nil, err
	}
	return dir.Attach(name)
}

func stateFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "state", defaultState(), "state directory, which remembers the runs; also BALER_STATE")
}
