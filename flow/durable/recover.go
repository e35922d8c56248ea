package durable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/ready"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/journal"
	"github.com/balerhq/baler/internal/segment"
)

// recoverFailures counts the failures of earlier runs, and how the rows of a
// canary did. It leaves out a chunk
// that the store does not know, because that chunk is settled again.
func (e *engine) recoverFailures(ctx context.Context, replayed *jobdir.Replayed) error {
	for i := range replayed.Chunks {
		c := &replayed.Chunks[i]
		if len(c.Failed) == 0 && c.Asked == nil {
			continue
		}
		if in := replayed.Intents[c.Tag]; in.State == intent.Fetched || in.State == intent.Ended {
			if n, err := e.RowsSettled(ctx, e.store, c.Tag); err != nil || n < c.Until {
				if err != nil {
					return err
				}
				continue
			}
		}
		e.failures.add(c.Failed)
		if c.Asked != nil {
			e.canary.figures.add(*c.Asked, c.Cost)
		}
	}
	return nil
}

// remakeManifests makes the damaged manifests again that the run needs.
func (e *engine) remakeManifests(ctx context.Context, replayed *jobdir.Replayed) error {
	for _, in := range replayed.Intents {
		if !jobdir.NeedsManifest(in) {
			continue
		}
		cause := e.CheckManifest(in)
		if cause == nil {
			continue
		}
		if err := e.RemakeManifest(in, replayed); err != nil {
			return errors.Join(cause, err)
		}
		e.log.WarnContext(ctx, "the file of a batch's rows was damaged, and made again", "tag", in.Tag, "error", cause)
	}
	return nil
}

func (e *engine) recover(ctx context.Context, job jobdir.Meta) (err error) {
	replayed, err := e.readJournal(job)
	if err != nil {
		return err
	}
	e.adopter.known = knownBatches{replayed.Meta == nil, replayed.Intents, replayed.Seen}
	e.batches.targets = newTargets(e.batches.journal, replayed.Targets)
	e.batches.routes = newRoutes(&e.config, e.batches.journal, replayed.Routes, e.batches.targets)
	e.progress.routes = e.batches.routes
	if err := e.Verify(ctx, e.store, replayed); err != nil {
		return err
	}
	if err := e.recoverCounts(ctx); err != nil {
		return err
	}
	if replayed.Meta == nil || replayed.Meta.Model != job.Model || !maps.Equal(replayed.Meta.Settings, job.Settings) {
		if err := e.batches.journal.Append(jobdir.Line{Job: &job}); err != nil {
			return err
		}
	}
	for _, in := range replayed.Intents {
		e.progress.value.count(intent.Intent{}, in)
	}
	if err := e.recoverFailures(ctx, replayed); err != nil {
		return err
	}
	if err := e.canary.recover(replayed.Canary, e.controller.control); err != nil {
		return err
	}
	if err := e.ledger.recover(ctx, replayed, &e.settler.outputRecord.Value); err != nil {
		return err
	}
	e.progress.value.Spending = e.ledger.spending()
	e.cleaner.recoverKept(replayed)
	e.batches.stored.recover(replayed)
	e.accounts.recoverAccounts(replayed)
	if replayed.Pruned != nil {
		return e.rewind(ctx, replayed.Output) // the rest is gone and not needed
	}
	if e.batches.requests, err = segment.OpenLog(e.Root, jobdir.RequestDir, e.RequestsLabel(), jobdir.RequestFileSize, e.intake.source.Value.End); err != nil {
		return e.IfDamaged(jobdir.RequestDir, err)
	}
	if e.batches.ready, err = ready.Open(ctx, &e.Dir, e.store); err != nil {
		return e.IfDamaged(jobdir.ReadyDir, err)
	}
	if e.queue.sorted() {
		e.batches.ready.Sort(e.queue.order(e.batch.MaxItems, e.batches.tenant))
	}
	if err := e.recoverIntents(ctx, replayed); err != nil {
		return err
	}
	if err := e.rewind(ctx, replayed.Output); err != nil {
		return err
	}
	*e.cache = cache{root: e.store.Root(), own: e.Keys.Dir(), ttl: e.config.cache, samples: e.samples, now: e.clock.now, log: e.log}
	if err := e.primer.recover(replayed); err != nil {
		return err
	}
	if e.batches.ready.Following() {
		e.followers.note()
	}
	e.buyer.slots.init(max(e.maxInFlight, len(e.open)))
	for _, in := range e.open {
		if err := e.buyer.acquireSlot(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

// readJournal replays the journal. The first line names the job.
func (e *engine) readJournal(job jobdir.Meta) (replayed *jobdir.Replayed, err error) {
	replayed = jobdir.NewReplayed()
	if e.batches.journal, err = journal.Open(e.Root, jobdir.JournalFile, job.ID, replayed.Replay); err != nil {
		return nil, e.Damaged(jobdir.JournalFile, err)
	}
	if replayed.Meta != nil && (replayed.Meta.ID != job.ID || replayed.Meta.Keys() != job.Keys()) {
		return nil, e.Damaged(jobdir.JournalFile, fmt.Errorf("it belongs to the job %q", replayed.Meta.Name))
	}
	return replayed, nil
}

// recoverIntents brings the store up to the journal and collects the open
// batches. The journal is ahead by the steps that were under way when the
// process died.
func (e *engine) recoverIntents(ctx context.Context, replayed *jobdir.Replayed) error {
	intents := replayed.Intents
	if err := e.remakeManifests(ctx, replayed); err != nil {
		return err
	}
	for _, in := range intents {
		if err := e.replayIntent(ctx, in); err != nil {
			return err
		}
		if err := e.recoverClaims(in, replayed.Claims[in.Tag]); err != nil {
			return err
		}
		e.batches.batchOwners.Note(in)
		e.progress.doubt(intent.Intent{}, in)
		if in.Reason != nil && in.Reason.Limit > 0 {
			e.batches.routes.narrow(in.Route, in.Reason.Limit)
		}
		if !in.Done() {
			e.open = append(e.open, in)
			if err := e.recoverLoad(in); err != nil {
				return err
			}
		}
	}
	e.progress.value.InFlight = len(e.open)
	return errors.Join(e.sweep(jobdir.ManifestDir, intents), e.sweep(jobdir.ResultDir, intents), e.sweep(jobdir.RawDir, intents), e.sweep(jobdir.AnswerDir, intents))
}

// recoverLoad counts an open batch on its route.
func (e *engine) recoverLoad(in intent.Intent) error {
	e.batches.throttles.recover(in, e.batches.roomOf(in))
	if atProvider(in) {
		e.rooms.record(e.batches.stayOf(in))
	}
	if in.Freed {
		return nil // its rows are elsewhere
	}
	if len(e.own) == 1 && !e.batches.ready.Limits() {
		return nil // nothing is chosen by it
	}
	entries, err := e.Entries(in.Tag, in.Rows)
	if err != nil {
		return err
	}
	e.batches.ready.Hold(in.Tag, entries, true)
	e.batches.routes.load.recovered(e.batches.routes.ownOf(in.Route), in.Tag, entries)
	e.batches.noteDeadlines(in, entries)
	return nil
}

// recoverClaims finds out which ready entries belong to a batch.
func (e *engine) recoverClaims(in intent.Intent, spans []jobdir.ClaimSpan) error {
	if len(spans) > 0 {
		e.batches.ready.TakenSpans(spans)
		if !in.Done() {
			e.batches.ready.Pin(in.Tag, spans)
		}
		return nil
	}
	header, err := e.Header(in.Tag)
	switch {
	case errors.Is(err, fs.ErrNotExist) && in.Done(): // it was pruned
		return nil
	case err != nil:
		return err
	case !e.batches.ready.MayTake(header.Last):
		return nil
	}
	entries, err := e.Entries(in.Tag, in.Rows)
	if err != nil {
		return err
	}
	e.batches.ready.Taken(entries)
	return nil
}

// replayIntent brings the store up to the journal.
func (e *engine) replayIntent(ctx context.Context, in intent.Intent) error {
	stored, err := e.StoredRev(ctx, e.store, in.Tag)
	if err != nil || stored == in.Rev {
		return err
	}
	op, err := e.batches.record(in)
	if err != nil {
		return err
	}
	return e.store.Commit(ctx, op)
}

// sweep removes the files of batches that were never sealed.
func (e *engine) sweep(dir string, intents map[string]intent.Intent) error {
	files, err := fs.ReadDir(e.Root.FS(), dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // only some jobs have it
	}
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

// recoverCounts reads the progress of the source and of the output.
func (e *engine) recoverCounts(ctx context.Context) error {
	e.intake.source.Key, e.settler.outputRecord.Key = e.Keys.Source(), e.Keys.Output()
	if err := jobdir.Load(ctx, e.store, &e.intake.source); err != nil {
		return err
	}
	if err := jobdir.Load(ctx, e.store, &e.settler.outputRecord); err != nil {
		return err
	}
	in, p := e.intake.source.Value, &e.progress.value
	p.Rows, p.Duplicates, p.Filtered, p.Rejected, p.Read = in.Rows, in.Duplicates, in.Filtered, in.Rejected, in.Ended
	if in.Earlier != nil {
		p.Earlier = Earlier(*in.Earlier)
	}
	e.progress.countOutput(&e.settler.outputRecord.Value, p)
	return nil
}
