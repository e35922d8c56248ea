package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
)

// resultOptions are the flags of results.
type resultOptions struct {
	state, after, status, out, tenant string
	ordered                           bool
	form                              resultForm
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
	f.StringVar(&o.tenant, "tenant", "", "only results of this tenant, of a run with --tenant-field")
	f.StringVar(&o.out, "out", "", "new file for the results (default: standard output)")
	f.StringVar(&o.form.kind, "output-format", "", formUsage)
	return cmd
}

func (o *resultOptions) write(cmd *cobra.Command, a *archive.Archive) error {
	d, err := formatOfRun(a)
	if err != nil {
		return err
	}
	if err := o.chooseForm(a); err != nil {
		return err
	}
	q := archive.Query{
		After: archive.Cursor(o.after), Ordered: o.ordered, Status: durable.ItemStatus(o.status), Tenant: o.tenant, Codec: d.Codec, Codecs: codecsOf(d),
	}
	n, err := o.writeTo(cmd.OutOrStdout(), a, q)
	if err != nil {
		return usage("%w", err)
	}
	goOn := ""
	if end := a.End(); end != "" {
		goOn = fmt.Sprintf("; go on with --after %s", end)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s%s\n", counted(n, "result", "results"), goOn)
	return nil
}

// chooseForm takes the form of the run if the results go to its output again.
func (o *resultOptions) chooseForm(a *archive.Archive) error {
	if o.form.kind == "" && o.out != "" && absolute(o.out) == a.Setting("--out") {
		o.form.kind = a.Setting("--output-format")
	}
	if o.out == "" && o.form.kind == formFiles {
		return usage("--out is missing: name a directory for the files")
	}
	o.form.columns.Meta = splitNames(cmp.Or(a.Setting(settingColumns), a.Setting("--keep-fields")))
	if slices.Equal(o.form.columns.Meta, []string{keepAll}) {
		return errors.Join(o.form.choose(o.out), o.nameColumns(a))
	}
	return o.form.choose(o.out)
}

// nameColumns takes the columns from the first result, of a run that keeps all
// fields and did not write a CSV file.
func (o *resultOptions) nameColumns(a *archive.Archive) error {
	o.form.columns.Meta = nil
	for r, err := range a.Results(archive.Query{}) {
		if err != nil {
			return usage("%w", err)
		}
		for name := range members(r.Meta) {
			o.form.columns.Meta = append(o.form.columns.Meta, name)
		}
		break
	}
	return nil
}

func (o *resultOptions) writeTo(stdout io.Writer, a *archive.Archive, q archive.Query) (n int, err error) {
	switch {
	case o.out == "":
		return writeResults(stdout, a, q, &o.form, nil)
	case o.form.kind == formFiles:
		return writeFiles(o.out, a, q)
	}
	err = createFile(o.out, func(w io.Writer) error {
		n, err = writeResults(w, a, q, &o.form, nil)
		return err
	})
	return n, err
}

// writeResults writes those that are wanted, all if want is nil.
func writeResults(w io.Writer, a *archive.Archive, q archive.Query, form *resultForm, want func(*archive.Result) bool) (n int, err error) {
	buf := bufio.NewWriterSize(w, 1<<20)
	if err := form.head(buf); err != nil {
		return 0, err
	}
	for r, err := range a.Results(q) {
		if err != nil {
			return n, errors.Join(err, buf.Flush())
		}
		if want != nil && !want(&r) {
			continue
		}
		if err := form.write(buf, &r.Result); err != nil {
			return n, err
		}
		n++
	}
	return n, buf.Flush()
}

// writeFiles writes results to an empty directory.
func writeFiles(path string, a *archive.Archive, q archive.Query) (n int, err error) {
	files, err := durable.OpenFiles(path)
	if err != nil {
		return 0, err
	}
	if err := files.Rewind(""); err != nil {
		return 0, errors.Join(err, files.Close())
	}
	ctx := context.Background()
	var chunk []durable.Result
	for r, err := range a.Results(q) {
		if err != nil {
			return n, errors.Join(err, files.Close())
		}
		if chunk = append(chunk, r.Result); len(chunk) == 256 {
			if err := files.Write(ctx, chunk); err != nil {
				return n, errors.Join(err, files.Close())
			}
			n, chunk = n+len(chunk), chunk[:0]
		}
	}
	err = files.Write(ctx, chunk)
	return n + len(chunk), errors.Join(err, files.Close())
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
