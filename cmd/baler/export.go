package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable/archive"
)

func newExport() *cobra.Command {
	var state, dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "export [NAME] --dir DIR",
		Short: "Write the requests of a run and the provider's answers to files",
		Long: `Write the batches of a run to a new directory. requests/TAG.jsonl holds the requests
as the provider gets them. outputs/TAG.jsonl holds one line for each row that the
provider answered, with the answer as it was received. manifest.json says which
files belong together, and why a batch was refused. A row that was retried is in
several batches. The provider's own files are not kept: what they hold beside the
answers to rows is in no export.`,
		Example: `  baler export tickets --dir tickets-export`,
		Args:    oneName(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir == "" {
				return usage("--dir is missing: name a directory for the files")
			}
			a, err := openArchive(state, args)
			if err != nil {
				return err
			}
			return errors.Join(export(cmd, a, dir, asJSON), a.Close())
		},
	}
	stateFlag(cmd, &state)
	cmd.Flags().StringVar(&dir, "dir", "", "directory for the files, new or empty (required)")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func export(cmd *cobra.Command, a *archive.Archive, dir string, asJSON bool) error {
	d, err := formatOfRun(a)
	if err != nil {
		return err
	}
	m, err := a.Export(cmd.Context(), dir, d)
	if err != nil {
		return usage("%w", err)
	}
	requests, answers := 0, 0
	for _, b := range m.Batches {
		requests += b.Rows
		answers += b.Answered
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), "export", map[string]any{"dir": dir, "batches": len(m.Batches), "requests": requests, "answers": answers})
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s batches, %s requests, %s answers in %s\n", thousands(len(m.Batches)), thousands(requests), thousands(answers), dir)
	return nil
}
