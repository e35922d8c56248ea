package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/cmd/baler/internal/jobfile"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/internal/printable"
)

const (
	// stdin is how an input says standard input.
	stdin = "-"
	// stdinName is what people are told instead.
	stdinName = "standard input"

	idsPerFile = "--ids-per-file"
)

// inputs are where the rows of a run come from: files in this order, or one
// directory, or standard input.
type inputs struct {
	paths   []string
	perFile bool            // ids are those within a file
	appends bool            // the run goes on with what was added
	spooled durable.Spooled // what standard input has yielded

	// unlabelled is the file of a run that was begun without appends, which has
	// no name before its ids.
	unlabelled string
}

func (in *inputs) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&in.perFile, "ids-per-file", false, "put the name of its file before the id of each row, as in b.csv:17, for files that use the same ids for different rows")
	cmd.Flags().BoolVar(&in.appends, "append", false, "go on under the same name with what was added since the run ended, to the file or as other files; only new rows are submitted, to the same --out or another")
}

// takeInputs takes the names of files, or --from-failed, or a job file that
// says one of these.
func (o *options) takeInputs(cmd *cobra.Command, args []string) (err error) {
	if len(args) == 1 && jobfile.Is(args[0]) {
		if args, err = o.file.take(cmd, args[0]); err != nil || o.file.several() {
			return err
		}
	} else if o.file.stage != "" {
		return usage("--%s is given without a job file: those end in .yaml", stageFlag)
	}
	switch {
	case o.letters.from == "" && len(args) > 0:
		o.setInputs(args...)
	case o.letters.from != "" && len(args) == 0:
		o.setInputs(o.letters.from)
	case o.letters.from != "":
		return usage("%s takes no input file beside --from-failed, got %d arguments", cmd.Name(), len(args))
	default:
		return o.missing(strings.TrimSpace(cmd.Name()+" "+o.file.file), true)
	}
	return nil
}

func (o *options) setInputs(paths ...string) {
	o.inputs.paths, o.input = paths, paths[0]
	if n := len(paths); n > 1 {
		o.input = fmt.Sprintf("%s and %d more", paths[0], n-1)
	}
	if o.inputs.standard() {
		o.input = stdinName
	}
}

func (in *inputs) standard() bool { return len(in.paths) == 1 && in.paths[0] == stdin }

func (in *inputs) several() bool { return len(in.paths) > 1 }

// check refuses inputs that are not there, before the provider is asked and a
// run begins.
func (in *inputs) check() error {
	seen, named := make(map[string]string, len(in.paths)), make(map[string]string, len(in.paths))
	for _, path := range in.paths {
		if path == stdin && in.several() {
			return usage("%s is one of several inputs: give it alone", stdinName)
		}
		if in.standard() {
			return nil
		}
		if first, twice := seen[absolute(path)]; twice {
			return usage("%s and %s are the same input: give it once", first, path)
		}
		seen[absolute(path)] = path
		if first, twice := named[filepath.Base(path)]; twice && in.appends {
			return usage("%s and %s have the same name: with --append, rows may be identified by it", first, path)
		}
		named[filepath.Base(path)] = path
		info, err := os.Stat(path)
		if missing, ok := errors.AsType[*fs.PathError](err); ok {
			return usage("%s: %w", path, missing.Err)
		}
		if err == nil && info.IsDir() && in.several() {
			return usage("%s is a directory and one of several inputs: give it alone", path)
		}
	}
	return nil
}

// setting is what the inputs must be at each start.
func (in *inputs) setting() string {
	if in.standard() {
		return stdin + in.spooled.Digest
	}
	all := make([]string, len(in.paths))
	for i := range all {
		all[i] = absolute(in.paths[i])
	}
	return strings.Join(all, "\n")
}

// inputsOf are the inputs that a setting says. Those of standard input are
// looked for in the state directory.
func inputsOf(setting, state, run string) (in inputs, err error) {
	in.paths = strings.Split(setting, "\n")
	digest, ok := strings.CutPrefix(setting, stdin)
	if !ok {
		return in, nil
	}
	in.paths = []string{stdin}
	dir, err := durable.Open(state)
	if err == nil {
		in.spooled, err = dir.Spooled(run, digest)
	}
	return in, err
}

// labels are what the ids of rows have before them, by the name of the file:
// nil if ids are those of all files.
func (in *inputs) labels() map[string]string {
	if in.standard() || !in.several() && !in.perFile && !in.appends {
		return nil
	}
	count := make(map[string]int)
	for _, path := range in.paths {
		count[filepath.Base(path)]++
	}
	labels := make(map[string]string, len(in.paths))
	for _, path := range in.paths {
		if labels[path] = filepath.Base(path); count[labels[path]] > 1 {
			labels[path] = absolute(path)
		}
		if absolute(path) == in.unlabelled {
			delete(labels, path)
		}
	}
	return labels
}

// source returns the rows of the inputs.
func (o *options) source(dialect source.CSVFormat) durable.Source[source.Row] {
	first, grows := o.inputs.paths[0], o.inputs.appends
	switch info, err := os.Stat(first); {
	case o.letters.from != "":
		return source.DeadLetters(first)
	case o.inputs.standard():
		input := source.Detect(o.inputs.spooled.Path).Named(stdinName).WithFormat(dialect)
		if grows {
			return anew{input}
		}
		return input
	case err == nil && info.IsDir() && grows:
		return source.DocumentRows(first).Growing()
	case err == nil && info.IsDir():
		return source.DocumentRows(first)
	}
	files := make([]*source.File[source.Row], len(o.inputs.paths))
	for i, path := range o.inputs.paths {
		files[i] = source.Rows(path).WithFormat(dialect)
	}
	switch {
	case grows:
		return source.Concat(files...).Growing()
	case len(files) == 1:
		return files[0]
	}
	return source.Concat(files...)
}

// place says where a row is.
func place(row source.Row) string {
	return fmt.Sprintf("%s:%d", printable.Line(row.File, 256), row.Line)
}

// isInput reports whether a path names one of the inputs, or a file of a
// directory that is one. Those whose names begin with a dot are none.
func (in *inputs) isInput(path string) bool {
	info, err := os.Stat(path)
	return slices.ContainsFunc(in.paths, func(input string) bool {
		if input == stdin {
			return false
		}
		if resolved(path) == resolved(input) {
			return true
		}
		other, errOther := os.Stat(input)
		if errOther == nil && other.IsDir() {
			below, err := filepath.Rel(resolved(input), resolved(path))
			return err == nil && filepath.IsLocal(below) && !hidden(below)
		}
		return errors.Join(err, errOther) == nil && os.SameFile(info, other)
	})
}

// hidden reports whether a directory of documents leaves a file out by its
// name.
func hidden(path string) bool {
	return slices.ContainsFunc(strings.Split(filepath.ToSlash(path), "/"), func(name string) bool { return strings.HasPrefix(name, ".") })
}
