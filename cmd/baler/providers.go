package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/sink/catalog"
)

func newProviders() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "providers",
		Short: "List the providers, what they can do, and whether their keys are set",
		Long: `List the providers that --provider takes: the variables that hold their keys, and
whether they are set; what a batch may have; how a batch is found again whose creation
was not answered; and what to mind. It makes no call.`,
		Example: `  baler providers --json`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := describeAll()
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), "providers", map[string]any{"providers": all})
			}
			return printProviders(cmd.OutOrStdout(), all)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// described is a provider, and which of its variables are set. Their values are
// in none of it.
type described struct {
	catalog.Description
	KeySet     bool `json:"key_set"`
	BaseURLSet bool `json:"base_url_set"`
}

func describeAll() (all []described, err error) {
	for _, p := range withClient() {
		d, err := p.Describe()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		all = append(all, described{d, keyOf(&p) != "", os.Getenv(p.BaseURLVariable) != ""})
	}
	return all, nil
}

func printProviders(w io.Writer, all []described) error {
	for i := range all {
		p := &all[i]
		fmt.Fprintf(w, "%s\n", p.Name)
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, f := range p.Features() {
			fmt.Fprintf(table, "  %s\t%s\n", f.Name, p.value(f))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		for _, caveat := range p.Caveats {
			fmt.Fprintf(w, "  %s\n", caveat)
		}
		if i < len(all)-1 {
			fmt.Fprintln(w)
		}
	}
	return nil
}

// value is a feature, and whether the variables that it names are set.
func (d *described) value(f catalog.Feature) string {
	switch {
	case f.Name == "key" && d.KeySet, f.Name == "address" && d.BaseURLSet:
		return f.Value + " (set)"
	case f.Name == "key":
		return f.Value + " (not set)"
	}
	return f.Value
}
