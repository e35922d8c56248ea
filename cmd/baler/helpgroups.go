package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagGroups are the headings under which the flags of a run stand in its help.
// A command shows those that it has, and all others at the end.
var flagGroups = []struct {
	heading string
	flags   []string
}{
	{"Where answers come from", []string{"provider", "model", "base-url", "api-version"}},
	{"What is asked", []string{
		"prompt", "prompt-file", "system", "messages-field", "file", "file-upload", "max-tokens", "temperature", "option", "options-field", "citations",
		"rows-per-request", "samples",
	}},
	{"What answers are to be", []string{"schema", "check", "reasks", "retry-truncated", "review"}},
	{"Rows of the input", []string{"id", "ids-per-file", "delimiter", "where", "rejects", "append", "from-failed", "rows"}},
	{"Results", []string{"out", "output-format", "keep-fields", "ordered", "dead-letters"}},
	{"The run", []string{
		"name", "label", "state", "stage", "env-file", "dry-run", "ingest", "fresh", "time-limit", "cache", "no-cache", "keep-remote", "keep-raw",
	}},
	{"What is told", []string{"quiet", "json", "progress-interval", "events", "notify", "notify-secret-in", "metrics", "verbose", "log-level", "log-format"}},
	{"Several models", []string{"route", "choose", "route-field", "route-map", "fallback"}},
	{"Order and tenants", []string{
		"priority-field", "deadline-field", "queue", "aging", "tenant-field", "tenant-weight", "tenant-limit", "tenant-batches", "separate-tenants",
	}},
	{"Money", []string{"budget", "day-budget", "tenant-budget", "tz", "worst-case", "prices", "unknown-price", "prime-cache"}},
	{"Failures", []string{"retries", "class", "notify-above", "pause-above", "canary", "canary-failed", "canary-invalid", "canary-cost"}},
	{"Batches and limits", []string{
		"batch-size", "batch-tokens", "max-in-flight", "enqueued-tokens", "enqueued-rows", "max-wait", "poll", "grace",
	}},
	{"Pace", []string{
		"creates-per-hour", "uploads-per-second", "downloads-per-second", "polls-per-second", "deletes-per-second", "transfers",
	}},
}

// otherFlags is the heading of flags that are in no group.
const otherFlags = "More"

// helpColumns is the width of the help of flags.
const helpColumns = 100

// groupFlags lets the help of a command show its flags in groups.
func groupFlags(cmd *cobra.Command) {
	cmd.SetUsageFunc(func(cmd *cobra.Command) error {
		w := cmd.OutOrStderr()
		fmt.Fprintf(w, "Usage:\n  %s\n", cmd.UseLine())
		if cmd.HasExample() {
			fmt.Fprintf(w, "\nExamples:\n%s\n", cmd.Example)
		}
		shown := make(map[string]bool)
		for _, g := range flagGroups {
			printFlags(cmd, g.heading, shown, func(f *pflag.Flag) bool { return slices.Contains(g.flags, f.Name) })
		}
		printFlags(cmd, otherFlags, shown, func(f *pflag.Flag) bool { return !shown[f.Name] })
		return nil
	})
}

// printFlags prints those flags of a command that belong under a heading.
func printFlags(cmd *cobra.Command, heading string, shown map[string]bool, belongs func(*pflag.Flag) bool) {
	group := pflag.NewFlagSet(heading, pflag.ContinueOnError)
	group.SortFlags = false
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if belongs(f) {
			shown[f.Name] = true
			group.AddFlag(f)
		}
	})
	if group.HasAvailableFlags() {
		fmt.Fprintf(cmd.OutOrStderr(), "\n%s:\n%s", heading, group.FlagUsagesWrapped(helpColumns))
	}
}
