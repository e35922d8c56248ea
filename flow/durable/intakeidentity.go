package durable

import (
	"cmp"
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
		if _, bad := r.rejectOf(err); bad {
			continue
		}
		if n++; err != nil || n > maxProbe {
			return nil // Resume tells what is wrong with the source
		}
		name, line := r.job.Source.Position()
		wanted := r.job.Where == nil || r.job.Where(item)
		switch {
		case name != first.Source && (!wanted || r.job.Rejects != nil):
			continue // an earlier one of several inputs
		case line < first.Line && r.job.Rejects != nil:
			continue // it may have been rejected when it was kept
		case name != first.Source || line > first.Line:
			return nil
		case wanted != (line == first.Line):
			return r.changed("Where", first, nil)
		case !wanted:
			continue
		}
		row, err := r.identity(item)
		switch {
		case r.requests.attachments.any && err != nil:
			return nil // its files may be gone since: what was read is kept
		case err != nil:
			return r.changed("Key, or Prompt or Request,", first, err)
		case row.key != first.Key:
			return r.changed("Key", first, nil)
		case !row.asks(first):
			return r.changed("Prompt or Request", first, nil)
		}
		return nil
	}
	return nil
}

// addTo implements rows.
func (r *reader[T]) addTo(checkpoint string, first *jobdir.FirstItem) error {
	if err := r.resume(checkpoint, first); err != nil {
		return err
	}
	if _, isFeed := r.job.Source.(Feed[T]); isFeed || first == nil || r.job.Source.Resume("") != nil {
		return nil //nolint:nilerr // it cannot begin anew, so its first item is not read again
	}
	if err := r.mustKnow(first); err != nil {
		return err
	}
	return r.job.Source.Resume("")
}

// mustKnow refuses a job that asks something else about the first item that it
// has kept. A source that begins anew may yield others before, so it looks for
// the item's key.
func (r *reader[T]) mustKnow(first *jobdir.FirstItem) error {
	n := 0
	for item, err := range r.job.Source.Items() {
		if _, bad := r.rejectOf(err); bad {
			continue
		}
		if n++; err != nil || n > maxProbe {
			return nil // whoever reads it tells what is wrong
		}
		if r.job.Where != nil && !r.job.Where(item) || r.job.Key(item) != cmp.Or(first.Target.ItemOf(first.Key), first.Key) {
			continue
		}
		row, err := r.identity(item)
		if r.requests.attachments.any && err != nil {
			return nil // its files may be gone since
		}
		if err != nil || !row.asks(first) {
			return r.changed("Prompt or Request, or the item,", first, err)
		}
		return nil
	}
	return nil
}

// asks reports whether a row asks what the first one asked. What its files have
// may have changed since.
func (r *row) asks(first *jobdir.FirstItem) bool {
	q, asked := &r.request, r.request.attached.asked
	return q.target.Asks() == first.Target.Asks() && slices.Equal(asked, first.Asked) &&
		(len(asked) > 0 || slices.Equal(q.content[:], first.Content))
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
