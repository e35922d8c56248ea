package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/state"
)

// keepFor is how long the files of a run that has ended are left alone.
const keepFor = 30 * 24 * time.Hour

// roomToFree is how little room a command may begin with that frees some.
const roomToFree = 16 << 20

func newPrune() *cobra.Command {
	var dir string
	var r archive.Retention
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "prune [NAME]",
		Short: "Remove the requests and results of runs that have ended",
		Long: `Remove the requests and results of runs from the state directory: of runs that were
finished or cancelled 30 days ago or earlier, or of the run that is named. A run that
has not ended keeps everything. A pruned run is still known as finished and is not
run again. The command says how many answers later runs can no longer take from the
cache. A run with --ordered whose results are not in its --out keeps everything. By
default answers are kept for 30 days, as long as --cache reaches. The
output files of runs are not touched. "baler rm" removes a run altogether.

The age of a run is measured by this machine's clock. If nothing has happened in the
directory for 30 days by that clock, or for as long as --older-than, the clock may be
wrong. Then nothing is removed without --force. A run that is named needs no --force.`,
		Example: `  baler prune --older-than 168h --dry-run
  baler prune tickets`,
		Args: oneName(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				r.Name = args[0]
			}
			if r.Name == "" && !cmd.Flags().Changed("older-than") {
				r.OlderThan = keepFor
			}
			return prune(cmd, dir, r, asJSON)
		},
	}
	stateFlag(cmd, &dir)
	cmd.Flags().DurationVar(&r.OlderThan, "older-than", 0, "only runs that ended at least this long ago (default: 720h, or 0 for a run that is named)")
	cmd.Flags().BoolVar(&r.Force, "force", false, "trust this machine's clock, though nothing has happened in the directory for a long time")
	cmd.Flags().BoolVar(&r.DryRun, "dry-run", false, "say what would be removed, and remove nothing")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func prune(cmd *cobra.Command, dir string, r archive.Retention, asJSON bool) error {
	if _, err := os.Stat(dir); err != nil {
		return usage("state directory: %w", err)
	}
	held, err := holdDir(dir, state.Config{Log: newLogger(cmd.ErrOrStderr()), MinFree: roomToFree})
	if err != nil {
		return err
	}
	if r.Except, err = unwritten(held.Dir); err != nil {
		return errors.Join(usage("%w", err), held.Close())
	}
	if slices.Contains(r.Except, r.Name) {
		return errors.Join(usage("the results of %q are not in its --out yet, as --ordered writes them last: run it again first", plain(r.Name)), held.Close())
	}
	pruned, err := archive.Prune(cmd.Context(), held.Dir, r)
	figures := pruneFigures{DryRun: r.DryRun, Runs: make([]prunedFigures, 0, len(pruned))}
	for _, p := range pruned {
		figures.Bytes += p.Bytes
		figures.Runs = append(figures.Runs, prunedFigures{p.Name, p.Ended, p.Bytes, p.Raw, p.Answers})
		if asJSON {
			continue
		}
		raw := ""
		if p.Raw > 0 {
			raw = fmt.Sprintf("\t%s of that the provider's own files, which no export has any more", size(p.Raw))
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s\tended %s\t%s%s%s\n", plain(p.Name), p.Ended.Local().Format(time.DateTime), size(p.Bytes), raw,
			countIf(p.Answers, "\t", "answer that later runs cannot take from the cache any more", "answers that later runs cannot take from the cache any more"))
	}
	if errors.Is(err, archive.ErrClock) {
		err = fmt.Errorf("%w; if the clock is right, give --force", err)
	}
	if err := errors.Join(err, held.Close()); err != nil {
		return usage("%w", err)
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), "prune", figures)
	}
	verb := "freed"
	if r.DryRun {
		verb = "would free"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", verb, size(figures.Bytes))
	return nil
}

// pruneFigures is what was removed, or would be.
type pruneFigures struct {
	DryRun bool            `json:"dry_run"`
	Bytes  int64           `json:"bytes"`
	Runs   []prunedFigures `json:"runs"`
}

type prunedFigures struct {
	Name    string    `json:"name"`
	Ended   time.Time `json:"ended"`
	Bytes   int64     `json:"bytes"`
	Raw     int64     `json:"raw"`     // of these, those of the provider's files that --keep-raw had kept
	Answers int       `json:"answers"` // that later runs cannot take from the cache any more
}

func size(n int64) string { return humanize.Bytes(uint64(n)) } //nolint:gosec // not negative
