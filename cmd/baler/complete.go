package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/llm/price"
)

// completeRun completes the name of a run in the state directory of the command
// line.
func completeRun(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	f := cmd.Flag("state")
	if f == nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	runs, err := runsOf(f.Value.String())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for i := range runs {
		if strings.HasPrefix(runs[i].Name, begun) {
			names = append(names, cobra.CompletionWithDesc(plain(runs[i].Name), string(runs[i].State)))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// flagValues are the values of flags that take one of a few. They are made when
// somebody asks, as every start of the program would wait for them.
var flagValues = map[string]func() []cobra.Completion{
	"provider":      catalog.Names,
	"model":         modelNames,
	"choose":        func() []cobra.Completion { return append(strategyNames(), chooseAll) },
	"fallback":      these("never", "out", "failed"),
	"queue":         these("strict", "aged", "fair"),
	"file-upload":   these(fileUploads...),
	"output-format": these("jsonl", "csv", "json-dir"),
	"log-level":     these("debug", "info", "warn", "error"),
	"log-format":    these("text", "json"),
}

func these(values ...cobra.Completion) func() []cobra.Completion {
	return func() []cobra.Completion { return values }
}

func modelNames() (names []cobra.Completion) {
	for m := range price.Listed().Models() {
		names = append(names, m.Name)
	}
	return names
}

// completeValues completes those flags that a command has.
func completeValues(cmd *cobra.Command) {
	for name, values := range flagValues {
		if cmd.Flags().Lookup(name) == nil {
			continue
		}
		_ = cmd.RegisterFlagCompletionFunc(name, func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return values(), cobra.ShellCompDirectiveNoFileComp
		}) // fails for a flag that is not there
	}
}
