package main

import (
	"errors"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
)

// nameOf is the name of a run that was given none: that of its input, without
// the directory and the extension.
func nameOf(input string) string {
	name := filepath.Base(input)
	for _, packed := range []string{".gz", ".zst", ".bz2", ".xz"} {
		name = strings.TrimSuffix(name, packed)
	}
	name = strings.TrimSuffix(name, filepath.Ext(name))
	if name == "" || name == "-" || name == string(filepath.Separator) {
		return "run"
	}
	return name
}

// pickName is the run that the arguments of a command name, or the only one.
func pickName(dir string, args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	runs, err := runsOf(dir)
	switch {
	case err != nil:
		return "", usage("%w", err)
	case len(runs) == 1:
		return runs[0].Name, nil
	case len(runs) == 0:
		return "", usage("%s has no run", dir)
	}
	return "", usage("%s has more than one run: name one of %s", dir, names(runs))
}

func names(runs []durable.Status) string {
	all := make([]string, len(runs))
	for i := range runs {
		all[i] = runs[i].Name
	}
	return strings.Join(all, ", ")
}

// runFlags is how a command finds a run and shows it.
type runFlags struct {
	state string
	json  bool
}

func (r *runFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.state, "state", defaultState(), "state directory, which remembers the runs; also BALER_STATE")
	jsonFlag(cmd, &r.json)
}

// attach finds the run, or says which ones there are.
func (r *runFlags) attach(args []string) (*durable.Handle, error) {
	name, err := pickName(r.state, args)
	if err != nil {
		return nil, err
	}
	h, err := attachTo(r.state, name)
	if errors.Is(err, durable.ErrNoRun) {
		return nil, usage("%s has no run %q: %s", r.state, name, r.known())
	}
	if err != nil {
		return nil, usage("%w", err)
	}
	return h, nil
}

func (r *runFlags) known() string {
	runs, err := runsOf(r.state)
	if err != nil || len(runs) == 0 {
		return "it has none"
	}
	return "it has " + names(runs)
}

// show prints where the run stands.
func (r *runFlags) show(w io.Writer, h *durable.Handle) error {
	s, err := h.Status()
	if err != nil {
		return usage("%w", err)
	}
	if r.json {
		return printJSON(w, "status", s)
	}
	printStatus(w, s)
	return nil
}

// oneName takes the name of a run, or none.
func oneName() cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usage("%s takes the name of a run, got %d arguments", cmd.Name(), len(args))
		}
		return nil
	}
}
