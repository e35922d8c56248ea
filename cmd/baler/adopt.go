package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/balerhq/baler/flow/durable"
)

// takeOutput gives a run the results in an old output file. It makes no call to
// the provider.
func (o *doctorOptions) takeOutput(ctx context.Context, log *slog.Logger) (*durable.OutputAdoption, error) {
	provider, dir, err := o.openWith(ctx, newKeyless, log)
	if err != nil {
		return nil, err
	}
	a, err := dir.AdoptOutput(ctx, provider, o.adopt, o.adoptOutput)
	return &a, errors.Join(adviseIngest(err), dir.Close())
}

func adviseIngest(err error) error {
	if errors.Is(err, durable.ErrNotRead) {
		return fmt.Errorf("%w: run the command that began it again, with --ingest", err)
	}
	return err
}

// adoptionSum counts what adoption has brought back and what it has not.
type adoptionSum struct {
	Run     string `json:"run"`
	Adopted int    `json:"adopted"` // rows, from batches and from an old output
	Waiting int    `json:"waiting"` // rows of the run that are in no batch
	Lost    int    `json:"lost"`    // rows at the provider that could not be brought back
	Batches int    `json:"batches"` // whose those are
	Unread  int    `json:"unread"`  // lines of the old output that are no result
	Unasked bool   `json:"unasked"` // there is no key to ask the provider with

	keys string // names the variables that may hold it
}

// sum adds up what became of a run's adoption.
func (r *doctorReport) sum(run string) *adoptionSum {
	s := &adoptionSum{Run: run}
	for _, f := range r.Orphans {
		s.Adopted += f.Adopted
		if lost := f.Lost.Total(); lost > 0 {
			s.Lost += lost
			s.Batches++
		}
	}
	if r.Output != nil {
		s.Adopted += r.Output.Adopted
		s.Unread = r.Output.Unusable
	}
	for i := range r.Jobs {
		if r.Jobs[i].Name == run {
			s.Waiting = r.Jobs[i].Waiting
		}
	}
	return s
}

// incomplete reports whether rows wait that may have been bought before.
func (s *adoptionSum) incomplete() bool {
	return s != nil && s.Waiting > 0 && (s.Lost+s.Unread > 0 || s.Unasked)
}

func (s *adoptionSum) tell(w io.Writer) {
	if s == nil {
		return
	}
	fmt.Fprintf(w, "%s: %s adopted, which the next run delivers; %s in no batch, which the next run buys\n",
		plain(s.Run), rowCount(s.Adopted), rowCount(s.Waiting))
	if s.Unasked {
		fmt.Fprintf(w, "%s: the provider was not asked for batches, as %s is not set\n", plain(s.Run), s.keys)
	}
	if s.Lost > 0 {
		fmt.Fprintf(w, "%s: %s of %s could not be brought back\n", plain(s.Run), rowCount(s.Lost), batchCount(s.Batches))
	}
}

// describeLost names the reasons and the numbers.
func describeLost(l durable.Lost) string {
	var parts []string
	for _, p := range []struct {
		n   int
		why string
	}{
		{l.Gone, "whose results are gone"},
		{l.Running, "that still run"},
		{l.Failed, "that failed or never ran"},
		{l.Unknown, "that are not in the input"},
		{l.OtherModel, "that the run asks of another model"},
	} {
		if p.n > 0 {
			parts = append(parts, rowCount(p.n)+" "+p.why)
		}
	}
	return strings.Join(parts, ", ")
}

func tellOutput(w io.Writer, a *durable.OutputAdoption) {
	if a == nil {
		return
	}
	fmt.Fprintf(w, "old output: %s adopted\n", rowCount(a.Adopted))
	for _, n := range slices.Sorted(maps.Keys(a.Lines)) {
		fmt.Fprintf(w, "old output: line %s cannot be used: %s\n", thousands(n), a.Lines[n])
	}
	for _, p := range []struct {
		n    int
		what string
	}{
		{a.Unusable - len(a.Lines), "further lines cannot be used"},
		{a.Failed, "rows had failed, and the next run buys them again"},
		{a.Unknown, "rows are not in the input"},
		{a.OtherModel, "rows are left out, because the run asks another model"},
		{a.Settled, "rows are left out, because the run has a result or a batch for them"},
		{a.Repeated, "lines repeat the id of an earlier line"},
	} {
		if p.n > 0 {
			fmt.Fprintf(w, "old output: %s %s\n", thousands(p.n), p.what)
		}
	}
}
