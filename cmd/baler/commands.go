package main

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commandGroup is a heading under which the help lists commands.
type commandGroup struct {
	id, heading string
	commands    []func() *cobra.Command
}

// commandGroups are all groups, in their order. It is a function because a
// command may run others.
func commandGroups() []commandGroup {
	return []commandGroup{
		{"rows", "Run rows:", []func() *cobra.Command{newInit, newPlan, newPreview, newRun, newRetry}},
		{"steer", "Watch and steer runs:", []func() *cobra.Command{newRuns, newStatus, newWait, newPause, newResume, newBudget, newDrain, newCancel, newSettle}},
		{"results", "Take what runs have brought:", []func() *cobra.Command{newResults, newReport, newExport}},
		{"keep", "Keep the state directory in order:", []func() *cobra.Command{newPrune, newRemove, newDoctor}},
		{"calls", "Make batches of the calls of programs:", []func() *cobra.Command{newServe, newExec}},
		{"providers", "Know the providers:", []func() *cobra.Command{newProviders, newModels, newSimulate}},
	}
}

// addCommands adds all commands, and what all of them have.
func addCommands(root *cobra.Command) {
	for _, g := range commandGroups() {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.heading})
		for _, command := range g.commands {
			cmd := command()
			cmd.GroupID = g.id
			cmd.Flags().VisitAll(acceptDays)
			if takesRun(cmd) {
				cmd.ValidArgsFunction = completeRun
			}
			completeValues(cmd)
			root.AddCommand(cmd)
		}
	}
	root.AddCommand(newVersion(), newExitCodes(), newMan())
	root.SetFlagErrorFunc(suggestFlag)
}

// takesRun reports whether an argument of a command is the name of a run.
func takesRun(cmd *cobra.Command) bool {
	return slices.Contains([]string{"status", "wait", "pause", "resume", "budget", "drain", "cancel", "settle", "results", "report", "export", "prune", "rm", "retry"}, cmd.Name())
}

// flagNames are the flags that a command takes.
func flagNames(cmd *cobra.Command) (names []string) {
	visit := func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	}
	cmd.LocalFlags().VisitAll(visit)
	cmd.InheritedFlags().VisitAll(visit)
	return names
}
