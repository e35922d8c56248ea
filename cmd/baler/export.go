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
files belong together, and all that went wrong with batches as a whole. A row that
was retried is in several batches.

If the run was started with --keep-raw, raw/ has what the provider itself has sent:
raw/TAG.output.jsonl and raw/TAG.errors.jsonl hold the lines of its result files, and
raw/TAG.batch.jsonl its object of the batch, with counts and errors, and those of
batches under the same tag that it refused. Lines are as they came, but each is there
once. What was downloaded without --keep-raw is not kept, and rows of a live route are
in no files.`,
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
	requests, answers, raw := 0, 0, 0
	for _, b := range m.Batches {
		requests += b.Rows
		answers += b.Answered
		raw += len(b.Raw)
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), "export", map[string]any{
			"dir": dir, "batches": len(m.Batches), "requests": requests, "answers": answers, "raw": raw,
		})
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s, %s, %s%s in %s\n", batchCount(len(m.Batches)), counted(requests, "request", "requests"),
		counted(answers, "answer", "answers"), noteIf(raw, ", %s of the provider's own files"), dir)
	return nil
}
