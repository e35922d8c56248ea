package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
)

// labels are those that a run gets.
type labels struct {
	texts []string // as NAME=VALUE
}

func (l *labels) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&l.texts, "label", nil, `label of the run, as in --label team=support, which "baler status" shows and "baler runs --label team=support" selects by; may be given several times (default: the labels that the run has)`)
}

// parse returns the labels, nil if there are none.
func (l *labels) parse() (all map[string]string, err error) {
	for _, text := range l.texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, usage("--label is %q: must be NAME=VALUE, as in team=support", text)
		}
		if _, twice := all[name]; twice {
			return nil, usage("--label %s is given twice", name)
		}
		if all == nil {
			all = make(map[string]string)
		}
		all[name] = value
	}
	return all, nil
}

// labelFilter selects runs.
type labelFilter struct{ texts []string }

func (f *labelFilter) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.texts, "label", nil, "only runs with this label, as NAME=VALUE, or NAME for any value; of several, a run has all")
}

// without removes the runs that are not wanted.
func (f *labelFilter) without(runs []durable.Status) []durable.Status {
	return slices.DeleteFunc(runs, func(s durable.Status) bool {
		return slices.ContainsFunc(f.texts, func(text string) bool {
			name, want, exact := strings.Cut(text, "=")
			value, has := s.Labels[name]
			return !has || exact && value != want
		})
	})
}

// describeLabels is a line of labels.
func describeLabels(labels map[string]string) string {
	all := slices.Sorted(maps.Keys(labels))
	for i, name := range all {
		all[i] = name + "=" + labels[name]
	}
	return strings.Join(all, ", ")
}
