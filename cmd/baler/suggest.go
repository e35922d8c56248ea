package main

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/balerhq/baler/cmd/baler/internal/nearest"
)

// suggestFlag says which flag was probably meant by one that there is not.
func suggestFlag(cmd *cobra.Command, err error) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return err
	}
	if name := nearest.Of(unknown.GetSpecifiedName(), flagNames(cmd)); name != "" {
		return usage("%w: did you mean --%s?", err, name)
	}
	return usage("%w: see %s --help", err, cmd.CommandPath())
}
