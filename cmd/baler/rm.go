package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/state"
)

func newRemove() *cobra.Command {
	var dir string
	var force bool
	cmd := &cobra.Command{
		Use:   "rm NAME",
		Short: "Remove a run that has ended or has bought nothing",
		Long: `Remove all that the state directory knows of a run. The run must have ended, or have
bought nothing, such as a run that failed on its input. Its name is then free, and
its answers are no longer in the cache. The command is refused while batches of the
run are open, or while the provider still stores files of it. The output is not
touched.`,
		Example: `  baler rm tickets`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("rm takes the name of a run, got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return remove(cmd, dir, args[0], force) },
	}
	stateFlag(cmd, &dir)
	cmd.Flags().BoolVar(&force, "force", false, "remove the run even if the provider still stores its files, which nobody removes then")
	return cmd
}

func remove(cmd *cobra.Command, dir, name string, force bool) error {
	if _, err := os.Stat(dir); err != nil {
		return usage("state directory: %w", err)
	}
	held, err := holdDir(dir, state.Config{Log: newLogger(cmd.ErrOrStderr()), MinFree: roomToFree})
	if err != nil {
		return err
	}
	err = held.Forget(cmd.Context(), name, force)
	if err := errors.Join(err, held.Close()); err != nil {
		s := &stop{err: err, state: dir, name: name}
		if s.kind().name == "other" {
			return usage("%w", err)
		}
		return s.explain()
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is removed; its output is not\n", plain(name))
	return nil
}
