package durable

import (
	"fmt"
	"slices"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// mustAskTheSame refuses a job whose functions have changed since its first
// item was read: Key, Prompt or Request, or Where. What was read is kept as it
// was asked then, so a change would hold for a part of the items only. It goes
// by the first item, which it reads again. If the source no longer has it,
// nothing can be said.
func (r *reader[T]) mustAskTheSame(first *jobdir.FirstItem) error {
	if first == nil || r.job.Source.Resume("") != nil {
		return nil
	}
	n := 0
	for item, err := range r.job.Source.Items() {
		if n++; err != nil || n > maxProbe {
			return nil // Resume tells what is wrong with the source
		}
		name, line := r.job.Source.Position()
		wanted := r.job.Where == nil || r.job.Where(item)
		switch {
		case name != first.Source || line > first.Line:
			return nil
		case wanted != (line == first.Line):
			return r.changed("Where", first, nil)
		case !wanted:
			continue
		}
		row, err := r.identity(item)
		switch {
		case err != nil:
			return r.changed("Key, or Prompt or Request,", first, err)
		case row.key != first.Key:
			return r.changed("Key", first, nil)
		case row.request.target.Asks() != first.Target.Asks() || !slices.Equal(row.request.content[:], first.Content):
			return r.changed("Prompt or Request", first, nil)
		}
		return nil
	}
	return nil
}

// maxProbe bounds how many items are read to find the first one again.
const maxProbe = 100_000

func (r *reader[T]) changed(what string, first *jobdir.FirstItem, err error) error {
	why := ""
	if err != nil {
		why = fmt.Sprintf(" (%v)", err)
	}
	return &MismatchError{Reason: fmt.Sprintf("the %s of the job %q has changed since it read %s:%d%s: use the same, or give this one another name",
		what, r.job.Name, first.Source, first.Line, why)}
}
