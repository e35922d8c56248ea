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
	loadEnvFile(root)
	addCommands(root)
	return root
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
