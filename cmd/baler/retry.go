package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/source"
)

func newRetry() *cobra.Command {
	o, first := new(options), ""
	cmd := &cobra.Command{
		Use:   "retry RUN --out FILE",
		Short: "Run the failed rows of a run again, as a new run",
		Long: `Run the failed rows of a run again, under their ids. The run must have ended. The new
run has a name of its own. It takes over the provider, the model, the --prompt and
what else is asked, the --id, the --api-version and the fields for priority, deadline and tenant, unless a flag
says otherwise. All other flags, such as limits and routes, are not taken over: give
them again. What the rows have cost before is paid again.

This is short for two commands: "baler run" with --dead-letters, and then with
--from-failed. The dead letters are in a file beside --out, whose name ends in
.failed.jsonl. The input of the first run must be as it was until they are written. Of a
run with --append, the inputs that it was given last must have all rows that failed.`,
		Example: `  baler retry tickets --out again.jsonl --model gpt-5.4`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("retry takes the name of a run, got %d arguments", len(args))
			}
			first = args[0]
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.retry(cmd, first); err != nil {
				return err
			}
			return o.run(cmd)
		},
	}
	o.flags(cmd)
	jsonFlag(cmd, &o.json)
	cmd.Flag("name").Usage = "name of the new run (default: that of the first run, and -retry)"
	_ = cmd.Flags().MarkHidden("from-failed") // it is there
	return cmd
}

// retry makes the options those of a run of the rows that have failed in
// another.
func (o *options) retry(cmd *cobra.Command, first string) error {
	if _, isOpen := descriptor(o.out); isOpen || o.out == "" || o.letters.from != "" {
		return usage("retry needs --out with a file, beside which it keeps the rows, and no --from-failed")
	}
	if o.name == "" {
		o.name = first + "-retry"
	}
	if o.name == first {
		return usage("--name is %q, which is the run whose rows have failed: name another", first)
	}
	a, err := openArchive(o.state, []string{first})
	if err != nil {
		return err
	}
	return errors.Join(o.retryArchived(cmd, a), a.Close())
}

func (o *options) retryArchived(cmd *cobra.Command, a *archive.Archive) error {
	if err := o.mustHaveEnded(a.Name()); err != nil {
		return err
	}
	before := options{
		provider: a.Provider(), prompt: a.Meta.Settings["--prompt"], id: a.Meta.Settings["--id"],
		messages: messagesOf(a.Meta.Settings), delimiter: a.Meta.Settings["--delimiter"], letters: letters{from: a.Meta.Settings["--from-failed"]},
	}
	setting := a.Meta.Settings["input"]
	if setting == "" {
		return usage("the run %q was not started by baler run: its input is not known", a.Name())
	}
	var err error
	if before.inputs, err = inputsOf(setting, o.state, a.Name()); err != nil {
		return usage("%w", err)
	}
	before.inputs.perFile, before.inputs.unlabelled = a.Meta.Settings[idsPerFile] != "", unlabelledOf(a)
	if before.inputs.appends, err = keepsInputs(a); err != nil {
		return err
	}
	if err := errors.Join(o.mustKnowRoutes(a), takeOver(cmd, a), o.answers.takeOver(a)); err != nil {
		return err
	}
	o.letters.from = filepath.Clean(o.out) + ".failed.jsonl"
	o.setInputs(o.letters.from)
	if _, err := attachTo(o.state, o.name); err == nil && !o.fresh {
		return nil // they are written already
	}
	if err := mayBeReplaced(o.letters.from); err != nil {
		return usage("%w", err)
	}
	return before.writeFailed(o.letters.from, a)
}

// keepsInputs reports whether rows of a run that failed say which input they
// are from: it had several, or --append.
func keepsInputs(a *archive.Archive) (bool, error) {
	for failed, err := range a.Results(archive.Query{Status: durable.ItemFailed}) {
		if err != nil || failed.Source != "" {
			return true, err
		}
	}
	return false, nil
}

// mustHaveEnded refuses a run that may yet answer the rows.
func (o *options) mustHaveEnded(name string) error {
	h, err := attachTo(o.state, name)
	if err != nil {
		return usage("%w", err)
	}
	s, err := h.Status()
	if err == nil && !s.Ended() {
		err = fmt.Errorf("the run %q has not ended: finish or cancel it first", name)
	}
	if err != nil {
		return usage("%w", err)
	}
	return nil
}

// mustKnowRoutes asks for the routes of a run that had some: a run does not
// remember how they were chosen.
func (o *options) mustKnowRoutes(a *archive.Archive) error {
	var had []string
	for _, r := range a.Routes {
		if r.Name != "" {
			had = append(had, fmt.Sprintf("--route %s=%s/%s", r.Name, r.Provider, r.Model))
		}
	}
	if len(had) == 0 || len(o.routing.routes) > 0 || o.model != "" {
		return nil
	}
	return usage("the run %q had routes: give them again, as in %s, or one --model", a.Name(), strings.Join(had, " "))
}

// takeOver sets the flags of the first run that its state remembers and the
// command does not give.
func takeOver(cmd *cobra.Command, a *archive.Archive) error {
	known := maps.Clone(a.Meta.Settings)
	if !cmd.Flags().Changed("route") && (a.Meta.Model != "" || known["--prompt"] == "") {
		known["--provider"], known["--model"] = a.Provider(), a.Meta.Model
	}
	for _, own := range []string{"--out", "--output-format", "--ordered", "--delimiter", "--from-failed", "--where", idsPerFile, appendSetting} {
		delete(known, own)
	}
	if !cmd.Flags().Changed("route") || cmd.Flags().Changed("route-map") {
		delete(known, "--choose") // it is about routes, and these are not taken over
	}
	if cmd.Flags().Changed("route") || cmd.Flags().Changed("provider") && cmd.Flag("provider").Value.String() != a.Provider() {
		delete(known, "--"+versionFlag) // it is that of another provider
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		flag := cmd.Flag(strings.TrimPrefix(name, "--"))
		if flag == nil || flag.Changed || !strings.HasPrefix(name, "--") || known[name] == "" {
			continue
		}
		if err := cmd.Flags().Set(flag.Name, known[name]); err != nil {
			return usage("%s: %w", name, err)
		}
	}
	return nil
}

// writeFailed writes the rows that have failed to a file.
func (o *options) writeFailed(path string, a *archive.Archive) error {
	delimiter, err := o.csvDelimiter()
	if err != nil {
		return err
	}
	rows, err := newRows(o, func(string) {})
	if err != nil {
		return err
	}
	n, err := writeLetters(path, a, o.source(source.CSVFormat{Delimiter: delimiter}), rows.key)
	switch {
	case err != nil:
		return (&stop{err: err, state: o.state, name: a.Name(), again: sameCommand}).explain()
	case n == 0:
		_ = os.Remove(path) // it is empty
		return usage("no row of the run %q has failed: there is nothing to retry", a.Name())
	}
	return nil
}
