package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/internal/printable"
)

// defaultName is the run of those who name none.
const defaultName = "run"

// reach is how a command finds a run and shows it.
type reach struct {
	state string
	json  bool
}

func (r *reach) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.state, "state", defaultState(), "directory that remembers the runs; also BALER_STATE")
	cmd.Flags().BoolVar(&r.json, "json", false, "print JSON instead of text")
}

// attach finds the run, or says which ones there are.
func (r *reach) attach(name string) (*durable.Handle, error) {
	h, err := durable.Attach(r.state, name)
	if errors.Is(err, durable.ErrNoRun) {
		return nil, usage("%s has no run %q: %s", r.state, name, r.known())
	}
	if err != nil {
		return nil, usage("%w", err)
	}
	return h, nil
}

func (r *reach) known() string {
	runs, err := durable.Runs(r.state)
	if err != nil || len(runs) == 0 {
		return "it has none"
	}
	names := make([]string, len(runs))
	for i, s := range runs {
		names[i] = s.Name
	}
	return "it has " + strings.Join(names, ", ")
}

// show prints where the run stands.
func (r *reach) show(w io.Writer, h *durable.Handle) error {
	s, err := h.Status()
	if err != nil {
		return usage("%w", err)
	}
	if r.json {
		return printJSON(w, s)
	}
	printStatus(w, s)
	return nil
}

func printJSON(w io.Writer, s durable.Status) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", printable.JSON(b))
	return err
}

// oneName takes the name of a run, or none where there is a default.
func oneName(least int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > 1 {
			return usage("%s takes the name of a run, got %d arguments", cmd.Name(), len(args))
		}
		return nil
	}
}
