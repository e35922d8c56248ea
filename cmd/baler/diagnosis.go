package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/balerhq/baler/flow/durable/doctor"
)

// tell writes a report for people.
func (r *doctorReport) tell(w io.Writer) {
	if len(r.Jobs) == 0 {
		fmt.Fprintf(w, "%s holds no run\n", r.Path)
	}
	for i := range r.Jobs {
		fmt.Fprintf(w, "%s: %s\n", plain(r.Jobs[i].Name), describeJob(&r.Jobs[i]))
	}
	if r.Aside != "" {
		fmt.Fprintf(w, "the index was rebuilt; the old one is in %s/%s\n", r.Path, r.Aside)
	}
	tellProblems(w, "solved", r.Repaired)
	if r.Failed != "" {
		fmt.Fprintf(w, "it cannot be repaired: %s\n", plain(r.Failed))
	}
	tellProblems(w, "problem", r.Problems)
	tellOutput(w, r.Output)
	tellOrphans(w, r.Orphans)
	r.Adoption.tell(w)
	tellFiles(w, r.Files)
	tellRemovals(w, r.Removals)
	for _, name := range r.Unasked {
		fmt.Fprintf(w, "%s stores files of runs and was not asked, as %s is not set\n", name, keyNamesOf(name))
	}
	switch curable := r.Repairable(); {
	case len(r.Problems) == 0 && r.Adoption.incomplete():
		fmt.Fprintln(w, "the directory is sound, but not all that was bought could be brought back")
	case len(r.Problems) == 0 && r.Adoption != nil && r.Adoption.Waiting > 0:
		fmt.Fprintln(w, "the directory is sound")
	case len(r.Problems) == 0:
		fmt.Fprintln(w, "all is well")
	case curable && r.Failed == "":
		fmt.Fprintf(w, "run baler doctor --state %s --repair\n", r.Path)
	default:
		fmt.Fprintln(w, "restore the files that are named from a backup, or begin anew in another directory: the output keeps its results")
	}
}

func tellProblems(w io.Writer, word string, problems []doctor.Problem) {
	for _, p := range problems {
		if p.File != "" {
			p.What = p.File + ": " + p.What
		}
		fmt.Fprintf(w, "%s: %s\n", word, plain(p.What))
	}
}

func describeJob(j *doctor.JobHealth) string {
	var b strings.Builder
	b.WriteString(rowCount(j.Rows))
	if !j.Read {
		b.WriteString(" so far")
	}
	fmt.Fprintf(&b, ", %s succeeded, %s failed, %s in no batch", thousands(j.Succeeded), thousands(j.Failed), thousands(j.Waiting))
	for _, state := range slices.Sorted(maps.Keys(j.Batches)) {
		fmt.Fprintf(&b, "; %s %s", batchCount(j.Batches[state]), state)
	}
	return b.String()
}
