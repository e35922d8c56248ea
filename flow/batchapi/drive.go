package batchapi

import (
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/balerhq/baler/flow/durable"
)

// start drives a batch with an account, unless that is done already: then the
// account is for the next try.
func (s *Server) start(b *batch, a *Account) {
	b.mu.Lock()
	driven := b.driven
	b.driven, b.resting, b.account = true, false, a
	b.mu.Unlock()
	if driven || s.spawn(func() { s.drive(b) }) {
		return
	}
	b.release()
}

// release lets another call drive the batch.
func (b *batch) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.driven, b.resting = false, false
}

// How long a batch rests that cannot go on, for example because its account is
// blocked.
const (
	shortestRest = time.Minute
	longestRest  = 10 * time.Minute
)

// patience is how long a batch is tried after its end, if it cannot go on.
const patience = time.Hour

// drive takes a batch to its end, whatever comes between.
func (s *Server) drive(b *batch) {
	defer b.release()
	began := time.Now()
	for wait := shortestRest; ; wait = min(2*wait, longestRest) {
		b.mu.Lock()
		a := b.account
		b.mu.Unlock()
		err := s.step(b, a)
		if err == nil || s.ctx.Err() != nil {
			return
		}
		if r := b.snapshot(); !r.ended() && r.isOver(began) {
			if gaveUp := s.giveUp(b, a, err); gaveUp != nil {
				err = gaveUp
			} else if !b.snapshot().Left {
				return
			}
		}
		if !s.has(b) {
			return // it was old
		}
		s.log.Error("a batch cannot go on", "batch", b.snapshot().ID, "again_in", wait, "error", err)
		b.mu.Lock()
		b.resting = b.account == a // or there is another one already
		b.mu.Unlock()
		if !s.pause(wait) {
			return
		}
	}
}

// pause is false if the server is closed meanwhile.
func (s *Server) pause(wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// isOver reports whether a batch that is tried since began should have ended
// long ago.
func (r *record) isOver(began time.Time) bool {
	end := r.Expires
	if r.Status == cancelling && r.Cancelling.Before(end) {
		end = r.Cancelling
	}
	if end.Before(began) {
		end = began
	}
	return time.Now().After(end.Add(patience))
}

// giveUp ends a batch whose run cannot: what has an answer keeps it, and the
// rest never ran. Nothing more is bought of it, and what it has open at a
// provider is left to be cancelled.
func (s *Server) giveUp(b *batch, a *Account, why error) error {
	r := b.snapshot()
	if err := s.withdraw(&r); err != nil && !errors.Is(err, durable.ErrNoRun) {
		return err
	}
	open, err := s.openBatches(&r)
	if err != nil {
		return err
	}
	if r, err = b.update(func(r *record) { r.Trouble, r.Left = why.Error(), open > 0 }); err != nil {
		return err
	}
	end := expired
	if r.Status == cancelling {
		end = cancelled
	}
	s.log.Error("a batch is given up: what it has open at a provider is cancelled once that is possible", "batch", r.ID, "run", r.run(), "open", open, "error", why)
	return s.finish(b, a, end, true)
}

// orphan ends a batch whose caller has not come back. It has no results, as no
// one has asked for them.
func (s *Server) orphan(b *batch) error {
	b.mu.Lock()
	driven := b.driven
	b.driven = true
	b.mu.Unlock()
	if driven {
		return nil
	}
	defer b.release()
	r := b.snapshot()
	if err := s.withdraw(&r); err != nil && !errors.Is(err, durable.ErrNoRun) {
		return err
	}
	_, err := b.update(func(r *record) {
		r.Status, r.Ended, r.Counts.NotRun, r.Trouble = expired, time.Now(), r.Rows, "the caller has not come back"
	})
	s.log.Error("a batch is given up, as its caller has not come back", "batch", r.ID, "run", r.run())
	return err
}

// step takes a batch from where it is to its end.
func (s *Server) step(b *batch, a *Account) error {
	if r := b.snapshot(); r.InProgress.IsZero() {
		if err := s.validate(b, a); err != nil {
			return err
		}
	}
	if r := b.snapshot(); r.ended() {
		return s.cancelLeft(b, a)
	}
	end, err := s.run(b, a)
	if err != nil {
		return err
	}
	return s.finish(b, a, end, false)
}

// validate reads the requests, and keeps them. Nothing is bought.
func (s *Server) validate(b *batch, a *Account) error {
	r := b.snapshot()
	found := findings{protocol: r.Protocol}
	if r.Protocol == OpenAI {
		if err := s.checkLines(&r, &found); err != nil {
			return err
		}
	}
	if len(found.errors) == 0 {
		if _, err := durable.Ingest(s.ctx, s.job(&r, a, &found)); err != nil {
			if _, isCancelled := errors.AsType[*durable.CancelledError](err); !isCancelled {
				return err
			}
		}
	}
	if err := s.nameRejects(&r, &found); err != nil {
		return err
	}
	if len(found.errors) > 0 {
		_, err := b.update(func(r *record) {
			r.Status, r.Errors, r.Ended, r.Rows = failed, found.errors, time.Now(), 0
		})
		return errors.Join(err, s.forgetRun(&r))
	}
	_, err := b.update(func(r *record) {
		r.InProgress, r.Rejects, r.Providers = time.Now(), found.rejects, a.names()
		if r.Protocol == OpenAI {
			r.Rows = found.rows
		}
		if r.Status == validating {
			r.Status = inProgress
		}
	})
	return err
}

// run buys what is asked, and returns how the batch ends.
func (s *Server) run(b *batch, a *Account) (status, error) {
	r := b.snapshot()
	isLate := time.Now().After(r.Expires) // which the run does not know that begins only now
	if r.Status == cancelling || isLate { // before anything else is bought
		if err := s.withdraw(&r); err != nil {
			return "", err
		}
	}
	_, err := durable.Run(s.ctx, s.job(&r, a, &findings{protocol: r.Protocol}))
	if stopped, isCancelled := errors.AsType[*durable.CancelledError](err); isCancelled {
		if stopped.Reason == "time_limit" || isLate && r.Status != cancelling {
			return expired, nil
		}
		return cancelled, nil
	}
	return completed, err
}

// openBatches returns how many batches the run of a batch has open, or may have,
// at providers.
func (s *Server) openBatches(r *record) (n int, err error) {
	h, err := s.cfg.Dir.Attach(r.run())
	if errors.Is(err, durable.ErrNoRun) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	status, err := h.Status()
	for i := range status.Open {
		if o := &status.Open[i]; !o.SentAt.IsZero() || o.Unclear() {
			n++
		}
	}
	return n, err
}

// cancelLeft cancels what a batch that was given up has open at a provider.
// These batches hold rows of its run alone, which buys nothing more. Its caller
// has got what there was.
func (s *Server) cancelLeft(b *batch, a *Account) error {
	r := b.snapshot()
	if !r.Left {
		return nil
	}
	_, err := durable.Run(s.ctx, s.job(&r, a, &findings{protocol: r.Protocol}))
	if _, isCancelled := errors.AsType[*durable.CancelledError](err); err != nil && !isCancelled {
		return err
	}
	_, err = b.update(func(r *record) { r.Left = false })
	return err
}

// cancel ends a batch before its time, unless it has ended.
func (s *Server) cancel(b *batch) (record, error) {
	var before status
	r, err := b.update(func(r *record) {
		if before = r.Status; before == validating || before == inProgress {
			r.Status, r.Cancelling = cancelling, time.Now()
		}
	})
	if err == nil && before == inProgress {
		s.spawn(func() { s.insist(b) })
	}
	return r, err
}

// insist cancels the run of a batch, and tries again if that fails.
func (s *Server) insist(b *batch) {
	for wait := time.Second; ; wait = min(2*wait, longestRest) {
		r := b.snapshot()
		if r.ended() {
			return
		}
		err := s.withdraw(&r)
		if err == nil || s.ctx.Err() != nil {
			return
		}
		s.log.Error("a batch is not cancelled yet", "batch", r.ID, "again_in", wait, "error", err)
		if !s.pause(wait) {
			return
		}
	}
}

// withdraw cancels the run of a batch. Its driver sees how that ends.
func (s *Server) withdraw(r *record) error {
	h, err := s.cfg.Dir.Attach(r.run())
	if err == nil {
		err = h.Cancel(s.ctx)
	}
	if err != nil {
		return fmt.Errorf("batchapi: cancel %s: %w", r.run(), err)
	}
	return nil
}

// forgetRun removes the run of a batch, which may never have begun. Once the
// batch is old, files that its provider still stores hold it no longer. Batches
// that are open there do hold the run, but not what is kept here.
func (s *Server) forgetRun(r *record) error {
	isOld := r.ended() && time.Now().After(r.Ended.Add(s.cfg.Keep))
	err := s.cfg.Dir.Forget(s.ctx, r.run(), isOld)
	if err == nil || errors.Is(err, durable.ErrNoRun) {
		return nil
	}
	if open, is := errors.AsType[*durable.OpenError](err); is && isOld {
		s.log.Error("an old batch is removed, and its run stays", "batch", r.ID, "run", r.run(), "error", open)
		return nil
	}
	return fmt.Errorf("batchapi: forget %s: %w", r.run(), err)
}

// delete removes a batch that has ended for its caller. Its run stays if its
// provider still has files of it, until the batch is old.
func (s *Server) delete(b *batch) error {
	r, err := b.update(func(r *record) { r.Deleted = true })
	if err != nil {
		return err
	}
	if err := s.forget(b); err != nil {
		s.log.Warn("what is kept of a deleted batch is removed later", "batch", r.ID, "error", err)
	}
	return nil
}

// forget removes a batch that has ended, with all that is kept of it.
func (s *Server) forget(b *batch) error {
	r := b.snapshot()
	if r.Left && time.Now().Before(r.Ended.Add(s.cfg.Keep)) {
		return errors.New("batchapi: it has batches open at a provider, which are to be cancelled")
	}
	remove := []string{r.Output, r.ErrorFile}
	if r.Protocol == Anthropic {
		remove = append(remove, r.Input) // which its caller does not know
	}
	for _, id := range remove {
		if id == "" {
			continue
		}
		if err := s.removeFile(id); err != nil {
			return err
		}
	}
	if err := s.forgetRun(&r); err != nil {
		return err
	}
	if err := s.drop(path.Join(batchesDir, r.ID+".json")); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.batches, r.ID)
	return nil
}
