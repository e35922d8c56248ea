package durable

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/ready"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/journal"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/ratelimit"
)

// open finds out where the job stands and mends what a crash left half done.
func open(ctx context.Context, c config) (*engine, error) {
	limiter, err := ratelimit.NewLimiter(c.creates)
	if err != nil {
		return nil, fmt.Errorf("durable: Job.Creates: %w", err)
	}
	polls, err := newPoller(c.polls)
	if err != nil {
		return nil, fmt.Errorf("durable: Job.Polls: %w", err)
	}
	e := &engine{
		config: c, limiter: limiter, polls: polls, owners: newOwners(), rest: newRest(),
		tally:    tally{notify: c.progress},
		digester: newDigester(c.provider),
		creating: make(chan struct{}, 1),
		heavy:    make(chan struct{}, c.transfers),
		changed:  make(chan struct{}, 1),
	}
	e.throttles = newThrottles(e.now)
	if err := e.limitBatch(); err != nil {
		return nil, err
	}
	var job jobdir.Meta
	if e.Root, job, err = openJob(ctx, &c); err != nil {
		return nil, err
	}
	e.Keys, e.ID, e.Path = job.Keys(), job.ID, c.store.Path()
	if e.desk, err = openDesk(&c, job.Started); err != nil {
		return nil, errors.Join(err, e.Root.Close())
	}
	if err := e.recover(ctx, job); err != nil {
		return nil, errors.Join(err, e.abandon())
	}
	e.appear()
	return e, nil
}

// abandon closes what recover has opened before it failed.
func (e *engine) abandon() error {
	errs := []error{e.Root.Close()}
	if e.journal != nil {
		errs = append(errs, e.journal.Close())
	}
	if e.requests != nil {
		errs = append(errs, e.requests.Close())
	}
	if e.ready != nil {
		errs = append(errs, e.ready.Close()...)
	}
	return errors.Join(errs...)
}

// limitBatch narrows the batch to what the provider takes.
func (e *engine) limitBatch() error {
	limits := e.provider.Limits("")
	e.batch.MaxItems = narrow(e.batch.MaxItems, limits.Rows)
	e.batch.MaxWeight = narrow(e.batch.MaxWeight, int(min(limits.Bytes, math.MaxInt)))
	e.batch.MaxKeys = cmp.Or(e.batch.MaxKeys, 64)
	if err := e.batch.Validate(); err != nil {
		return fmt.Errorf("durable: Job.Batch: %w", err)
	}
	return nil
}

func narrow(wanted, limit int) int {
	if wanted == 0 || limit > 0 && limit < wanted {
		return limit
	}
	return wanted
}

func (e *engine) recover(ctx context.Context, job jobdir.Meta) (err error) {
	told, err := e.readJournal(job)
	if err != nil {
		return err
	}
	e.replayed = replayed{told.Meta == nil, told.Intents, told.Seen}
	e.lanes = newLanes(e.journal, told.Routes)
	if err := e.recoverCounts(ctx); err != nil {
		return err
	}
	if err := e.Verify(ctx, e.store, told); err != nil {
		return err
	}
	if told.Meta == nil {
		if err := e.journal.Append(jobdir.Line{Job: &job}); err != nil {
			return err
		}
	}
	for _, in := range told.Intents {
		e.tally.now.count(intent.Intent{}, in)
	}
	if err := e.recoverFailures(ctx, told); err != nil {
		return err
	}
	e.recoverKept(told)
	e.recoverAccounts(told)
	if told.Pruned != nil {
		return e.rewind(ctx, told.Output) // nothing else is left, or needed
	}
	if e.requests, err = segment.OpenLog(e.Root, jobdir.RequestDir, e.RequestsLabel(), segmentSize, e.source.Value.End); err != nil {
		return e.IfDamaged(jobdir.RequestDir, err)
	}
	if e.ready, err = ready.Open(ctx, &e.Dir, e.store); err != nil {
		return e.IfDamaged(jobdir.ReadyDir, err)
	}
	if err := e.recoverIntents(ctx, told); err != nil {
		return err
	}
	if err := e.rewind(ctx, told.Output); err != nil {
		return err
	}
	e.cache = &cache{root: e.store.Root(), own: e.Keys.Dir(), ttl: e.config.cache, now: e.now, log: e.log}
	e.slots = make(chan struct{}, max(e.maxInFlight, len(e.open)))
	for range e.open {
		e.slots <- struct{}{}
	}
	return nil
}

// readJournal replays the journal. Its first line says whose it is.
func (e *engine) readJournal(job jobdir.Meta) (told *jobdir.Replayed, err error) {
	told = jobdir.NewReplayed()
	if e.journal, err = journal.Open(e.Root, jobdir.JournalFile, job.ID, told.Replay); err != nil {
		return nil, e.Damaged(jobdir.JournalFile, err)
	}
	if told.Meta != nil && (told.Meta.ID != job.ID || told.Meta.Keys() != job.Keys()) {
		return nil, e.Damaged(jobdir.JournalFile, fmt.Errorf("it is of the job %q", told.Meta.Name))
	}
	return told, nil
}

// rewind takes the output back to what was recorded. If the journal tells of
// more, it must know before. That a new output is the job's is recorded before
// anything is written to it: what is found in it later is then known to be its
// own.
func (e *engine) rewind(ctx context.Context, told jobdir.OutputState) error {
	s := e.outbox.Value
	if s != told {
		if err := e.journal.Append(jobdir.Line{Output: &s}); err != nil {
			return err
		}
	}
	r, ok := e.output.(Rewinder)
	if !ok {
		return nil
	}
	if j, ok := e.output.(tailJudge); ok {
		j.judgeTail(e.unrecorded())
	}
	if err := r.Rewind(s.Mark); err != nil || s.Mark != "" {
		return err
	}
	s.Mark = r.Mark()
	if err := e.journal.Append(jobdir.Line{Output: &s}); err != nil {
		return err
	}
	op, err := e.outbox.Put(s)
	if err != nil {
		return err
	}
	return e.store.Commit(ctx, op)
}

// recoverIntents brings the store up to the journal, which is ahead of it by what
// was under way when the process died, and collects the batches that are open.
func (e *engine) recoverIntents(ctx context.Context, told *jobdir.Replayed) error {
	intents := told.Intents
	if err := e.mendBales(ctx, told); err != nil {
		return err
	}
	for _, in := range intents {
		if err := e.redo(ctx, in); err != nil {
			return err
		}
		if err := e.recoverClaims(in, told.Claims[in.Tag]); err != nil {
			return err
		}
		e.owners.note(in)
		e.tally.doubt(intent.Intent{}, in)
		if in.Reason != nil && in.Reason.Limit > 0 {
			e.lanes.narrow(in.Route, in.Reason.Limit)
		}
		if !in.Done() {
			e.open = append(e.open, in)
			e.throttles.recover(in, e.lanes.get(in.Route).Model)
		}
	}
	e.tally.now.InFlight = len(e.open)
	return errors.Join(e.sweep(jobdir.ManifestDir, intents), e.sweep(jobdir.ResultDir, intents), e.sweep(jobdir.AnswerDir, intents))
}

// recoverClaims finds out which ready entries stand in a batch.
func (e *engine) recoverClaims(in intent.Intent, spans []jobdir.ClaimSpan) error {
	if len(spans) > 0 {
		e.ready.TakenSpans(spans)
		if !in.Done() {
			e.ready.Pin(in.Tag, spans)
		}
		return nil
	}
	header, err := e.Header(in.Tag)
	switch {
	case errors.Is(err, fs.ErrNotExist) && in.Done(): // it was pruned
		return nil
	case err != nil:
		return err
	case !e.ready.MayTake(header.Last):
		return nil
	}
	entries, err := e.Entries(in.Tag, in.Rows)
	if err != nil {
		return err
	}
	e.ready.Taken(entries)
	return nil
}

// redo brings the store up to the journal.
func (e *engine) redo(ctx context.Context, in intent.Intent) error {
	stored, err := e.StoredRev(ctx, e.store, in.Tag)
	if err != nil || stored == in.Rev {
		return err
	}
	op, err := e.record(in)
	if err != nil {
		return err
	}
	return e.store.Commit(ctx, op)
}

// sweep removes the files of batches that were never sealed.
func (e *engine) sweep(dir string, intents map[string]intent.Intent) error {
	files, err := fs.ReadDir(e.Root.FS(), dir)
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	for _, f := range files {
		if _, ok := intents[f.Name()]; ok {
			continue
		}
		if err := e.Root.Remove(dir + "/" + f.Name()); err != nil {
			return fmt.Errorf("durable: %w", err)
		}
	}
	return nil
}

// recoverCounts reads how far the source and the output are.
func (e *engine) recoverCounts(ctx context.Context) error {
	e.source.Key, e.outbox.Key = e.Keys.Source(), e.Keys.Output()
	if err := jobdir.Load(ctx, e.store, &e.source); err != nil {
		return err
	}
	if err := jobdir.Load(ctx, e.store, &e.outbox); err != nil {
		return err
	}
	in, p := e.source.Value, &e.tally.now
	p.Rows, p.Duplicates, p.Read = in.Rows, in.Duplicates, in.Ended
	countOutput(&e.outbox.Value, p)
	return nil
}
