package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// exitCodes is what each exit code means. README.md has the same table.
var exitCodes = []struct {
	code        int
	means, todo string
}{
	{exitOK, "All rows succeeded. Of other commands than run, retry and wait: they did what they were asked.", "Nothing."},
	{exitFailed, "Some rows failed or were rejected, or the run was cancelled. `baler doctor` has found problems.", "Look at the `error` of the rows in the output; `baler retry` runs them again."},
	{exitUsage, "The command, its input, a key or the state directory is at fault, or there is no such run.", "Mend what the error names."},
	{exitResumable, "The run stopped or was interrupted, or a --timeout is over.", "Do what the error says, and give the same command again: it goes on, and pays for nothing twice."},
}

// exitCodesTable is the table in Markdown.
func exitCodesTable() string {
	var b strings.Builder
	b.WriteString("| exit code | what it means | what to do |\n|---|---|---|\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "| %d | %s | %s |\n", e.code, e.means, e.todo)
	}
	return b.String()
}

// newExitCodes is a topic of the help, not a command.
func newExitCodes() *cobra.Command {
	var b strings.Builder
	b.WriteString("Exit codes of baler. That of \"baler exec\" is the program's.\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "\n%d  %s\n   %s\n", e.code, e.means, e.todo)
	}
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: strings.TrimSpace(strings.ReplaceAll(b.String(), "`", `"`))}
}
