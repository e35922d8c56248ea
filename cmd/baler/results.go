package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
)

// resultOptions are the flags of results.
type resultOptions struct {
	state, after, status, out string
	ordered                   bool
}

func newResults() *cobra.Command {
	var o resultOptions
	cmd := &cobra.Command{
		Use:   "results [NAME]",
		Short: "Print the results that a run has so far",
		Long: `Print the results of a run from the state directory, one JSON line per row as in its
output. The run may be finished, interrupted or under way. The results come in the
order in which they were settled, or with --ordered in the order of the input. The
command prints a cursor to standard error; a later call goes on from it.`,
		Example: `  baler results tickets --status failed
  baler results tickets --after 5c1a77e0.12.400`,
		Args: oneName(),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := openArchive(o.state, args)
			if err != nil {
				return err
			}
			return errors.Join(o.write(cmd, a), a.Close())
		},
	}
	f := cmd.Flags()
	stateFlag(cmd, &o.state)
	f.StringVar(&o.after, "after", "", "only results that were settled after this cursor")
	f.BoolVar(&o.ordered, "ordered", false, "in the order of the input, not in the order of settlement")
	f.StringVar(&o.status, "status", "", "only results with this status: succeeded, failed or cancelled")
	f.StringVar(&o.out, "out", "", "new file for the results (default: standard output)")
	return cmd
}

func (o *resultOptions) write(cmd *cobra.Command, a *archive.Archive) error {
	d, err := formatOf(a.Provider())
	if err != nil {
		return err
	}
	q := archive.Query{
		After: archive.Cursor(o.after), Ordered: o.ordered, Status: durable.ItemStatus(o.status), Codec: d.Codec,
	}
	n, err := 0, error(nil)
	if o.out == "" {
		n, err = writeResults(cmd.OutOrStdout(), a, q)
	} else {
		err = createFile(o.out, func(w io.Writer) error {
			n, err = writeResults(w, a, q)
			return err
		})
	}
	if err != nil {
		return usage("%w", err)
	}
	goOn := ""
	if end := a.End(); end != "" {
		goOn = fmt.Sprintf("; go on with --after %s", end)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s results%s\n", thousands(n), goOn)
	return nil
}

func writeResults(w io.Writer, a *archive.Archive, q archive.Query) (n int, err error) {
	buf := bufio.NewWriterSize(w, 1<<20)
	for r, err := range a.Results(q) {
		if err != nil {
			return n, errors.Join(err, buf.Flush())
		}
		if err := r.WriteLine(buf); err != nil {
			return n, err
		}
		n++
	}
	return n, buf.Flush()
}

// createFile writes a new file, or leaves none.
func createFile(path string, fill func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	if err := errors.Join(fill(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
