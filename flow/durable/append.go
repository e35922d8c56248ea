package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// reopen lets a job that has ended go on with what its source has had since. A
// crash leaves the job as it was, or one that reads. How it is set may differ
// from before, because nothing of it is open. What is certain to be refused is
// refused first, so that a mistake leaves the job as it was.
func (c *config) reopen(ctx context.Context, input rows) error {
	meta := jobdir.Record[jobdir.Meta]{Key: jobdir.MetaKey(c.name)}
	if err := jobdir.Load(ctx, c.store, &meta); err != nil || meta.Rev == 0 || meta.Value.Forgotten {
		return err
	}
	source := jobdir.Record[jobdir.SourceState]{Key: meta.Value.Keys().Source()}
	if err := jobdir.Load(ctx, c.store, &source); err != nil {
		return err
	}
	ending, err := jobdir.EndOf(ctx, c.store, meta.Value.Keys())
	if err != nil || !ending.Finished() && !ending.NothingAdded() {
		return err
	}
	if err := errors.Join(c.mustHaveFiles(), c.mustTakeMore(ending.Output.Mark)); err != nil {
		return err
	}
	if err := input.addTo(source.Value.Checkpoint, source.Value.First); err != nil {
		return err
	}
	if ending.Finished() { // what was wanted of it before it ended is over
		if err := c.dir.Renew(); err != nil {
			return err
		}
	}
	now, s := meta.Value, source.Value
	now.Settings, now.Started = c.settings, time.Now()
	s.Ended = false
	s.Earlier = &jobdir.Earlier{Rows: s.Rows, Succeeded: ending.Output.Succeeded, Failed: ending.Output.Failed, Rejected: s.Rejected}
	begin, err := meta.Put(now.Compact())
	if err != nil {
		return err
	}
	read, err := source.Put(s)
	if err != nil {
		return err
	}
	return c.store.Commit(ctx, begin, read)
}

// mustTakeMore refuses an output that is neither as the job left it nor new.
func (c *config) mustTakeMore(mark string) error {
	o, ok := c.output.(interface{ mayRewind(mark string) error })
	if !ok || isNew(c.output) {
		return nil
	}
	return o.mayRewind(mark)
}

// mustHaveFiles refuses a job whose requests and results were pruned.
func (c *config) mustHaveFiles() error {
	a, err := jobdir.Open(c.store.Root(), c.name)
	if err != nil {
		return err
	}
	defer a.Close()
	if a.Pruned == nil {
		return nil
	}
	return &MismatchError{Reason: fmt.Sprintf("the requests and results of the job %q were pruned, so that nothing can be added to it: "+
		"begin anew under another name, or with Job.Fresh", c.name)}
}
