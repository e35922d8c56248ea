package durable

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
)

// remote counts what the provider stores, including files of open batches.
func (c *cleaner) remote() Remote {
	r := c.kept.remote()
	for _, in := range c.openBatches.intents() {
		b := keptBatch{Handle: sink.Handle{File: in.File}}
		if slices.Contains([]intent.State{intent.Ended, intent.Fetched, intent.Committed}, in.State) {
			b.Batch = in.Batch
		}
		r.add(b)
	}
	r.Files = c.batches.stored.count()
	return r
}

// recoverKept reads from the journal which files the provider keeps.
func (c *cleaner) recoverKept(replayed *jobdir.Replayed) {
	c.kept.batches, c.kept.keep = make(map[string]keptBatch), replayed.Keep
	last := make(map[string]jobdir.Settled, len(replayed.Intents))
	for i := range replayed.Chunks {
		last[replayed.Chunks[i].Tag] = replayed.Chunks[i]
	}
	for tag, in := range replayed.Intents {
		switch s := last[tag]; {
		case !in.Done() || replayed.Removed[tag]:
			c.kept.put(keptBatch{at: s.At})
		case s.Unsent:
			c.kept.addReleased(in, s.At)
		default:
			c.kept.add(in, s.At, c.resultSize(tag))
		}
	}
}

// resultSize returns the size of the results on disk, 0 once they are pruned.
func (c *cleaner) resultSize(tag string) int64 {
	info, err := c.Root.Stat(jobdir.ResultName(tag))
	if err != nil {
		return 0
	}
	return info.Size()
}

// noteKeep makes Job.KeepRemote known to RemoveKept, which has no Job.
func (c *cleaner) noteKeep() error {
	keep := c.keepRemote
	if keep == c.kept.keep {
		return nil
	}
	c.kept.keep = keep
	return c.batches.journal.Append(jobdir.Line{Keep: &keep})
}

// clean deletes the upload of a settled batch. The results stay at the provider
// in case the state directory is lost.
func (c *cleaner) clean(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	waste := c.countDuplicateSpend(ctx, in)
	gone, err := c.removeInput(ctx, in)
	if err != nil {
		return in, err
	}
	if in, err = c.batches.advance(ctx, in, intent.CleanDone{FileGone: gone, Waste: int64(waste)}); err == nil {
		c.kept.add(in, c.clock.now(), c.resultSize(in.Tag))
	}
	return in, err
}

// cleaner removes from the provider what is not needed there any more.
type cleaner struct {
	*config
	*jobdir.Dir
	gate        *gate
	openBatches *openBatches
	clock       *clock
	notices     *notices
	progress    *progress
	batches     *batches
	accounts    *accounts
	anomalies   *anomalies

	kept         kept
	filesDeleted atomic.Int64 // files of rows, at the provider
}

// removeInput deletes the upload of a batch and reports whether it is gone. It
// returns an error only if ctx is done; the next process then removes it.
func (c *cleaner) removeInput(ctx context.Context, in intent.Intent) (gone bool, _ error) {
	if in.File == "" || c.keepRemote == KeepForever || !c.accounts.isAccount(c.batches.serviceOf(in), in.Account) {
		return false, nil // with the results, once it is known whose they are
	}
	err := c.batches.serviceOf(in).Remove(ctx, sink.Handle{File: in.File})
	if err != nil && ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if err != nil {
		c.log.WarnContext(ctx, "upload left at the provider", "tag", in.Tag, "error", err)
	}
	return err == nil, nil
}
