package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "baler",
		Short:         "Run very many LLM requests through a provider's batch API",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(newRun(), newStatus(), newRuns(), newWait(), newPause(), newResume(), newCancel(), newSettle(),
		newResults(), newExport(), newPrune(), newRemove(), newDoctor(), newProviders(), newSimulate())
	return root
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
