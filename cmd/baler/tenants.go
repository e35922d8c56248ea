package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
)

// tenants are the flags of status about the tenants of a run.
type tenants struct {
	all  bool
	name string
}

func (f *tenants) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.all, "tenants", false, "count the rows of each tenant of --tenant-field, too; reads all requests and results")
	cmd.Flags().StringVar(&f.name, "tenant", "", "count the rows of this tenant alone")
}

// tenantStatus is a status with the counts of tenants.
type tenantStatus struct {
	durable.Status
	Tenants []archive.Tenant `json:"tenants"`
}

// show prints where a run and its tenants stand.
func (f *tenants) show(w io.Writer, r *runFlags, h *durable.Handle) error {
	s, err := h.Status()
	if err != nil {
		return usage("%w", err)
	}
	all, err := f.count(r.state, h.Name())
	if err != nil {
		return err
	}
	if r.json {
		return printJSON(w, "status", tenantStatus{s, all})
	}
	printStatus(w, s)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nTENANT\tROWS\tSUCCEEDED\tFAILED\tIN BATCHES\tWAITING\tCANCELLED")
	for i := range all {
		c := &all[i]
		name := plain(c.Tenant)
		if name == "" {
			name = "(none)"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, thousands(c.Rows), thousands(c.Succeeded), thousands(c.Failed),
			thousands(c.Open), thousands(c.Waiting()), thousands(c.Cancelled))
	}
	return t.Flush()
}

func (f *tenants) count(state, run string) (all []archive.Tenant, err error) {
	a, err := openArchive(state, []string{run})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	format, err := formatOfRun(a)
	if err != nil {
		return nil, err
	}
	all, err = a.Tenants(archive.Query{Codec: format.Codec, Codecs: codecsOf(format)})
	if err != nil || f.name == "" {
		return all, err
	}
	n := slices.IndexFunc(all, func(t archive.Tenant) bool { return t.Tenant == f.name })
	if n < 0 {
		return nil, usage("the run %q has read no row of the tenant %q so far", run, f.name)
	}
	return all[n : n+1], nil
}
