package main

import (
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
)

// openArchive opens the run that the arguments of a command name.
func openArchive(state string, args []string) (*archive.Archive, error) {
	name, err := pickName(state, args)
	if err != nil {
		return nil, err
	}
	dir, err := durable.Open(state)
	if err != nil {
		return nil, usage("%w", err)
	}
	a, err := archive.Open(dir, name)
	if err != nil {
		return nil, usage("%w", err)
	}
	return a, nil
}
