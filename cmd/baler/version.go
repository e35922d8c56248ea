package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build is what is known about the program itself.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	System   string `json:"system"`
}

func newVersion() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "Print the version of this program, and with which Go it was built for which system.",
		Example: "  baler version --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := thisBuild()
			if asJSON {
				return printJSON(cmd.OutOrStdout(), "version", b)
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "baler %s%s, %s, %s\n", b.Version, spacedIn(b.Revision), b.Go, b.System)
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func spacedIn(revision string) string {
	if revision == "" {
		return ""
	}
	return " (" + revision + ")"
}

func thisBuild() build {
	b := build{Version: version(), Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Revision = s.Value
			}
		}
	}
	return b
}
