package batchapi

import (
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/balerhq/baler/flow/durable"
)

// start drives a batch, unless that is done already.
func (s *Server) start(b *batch, a *Account) {
	b.mu.Lock()
	driven := b.driven
	b.driven = true
	b.mu.Unlock()
	if driven || s.spawn(func() { s.drive(b, a) }) {
		return
	}
	b.rest()
}

// rest lets another call drive the batch.
func (b *batch) rest() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.driven = false
}

// How long a batch rests that cannot go on, for example because its account is
// blocked.
const (
	shortestRest = time.Minute
	longestRest  = 10 * time.Minute
)

// drive takes a batch to its end, whatever comes between.
func (s *Server) drive(b *batch, a *Account) {
	defer b.rest()
	for wait := shortestRest; ; wait = min(2*wait, longestRest) {
		err := s.step(b, a)
		if err == nil || s.ctx.Err() != nil {
			return
		}
		s.log.Warn("a batch cannot go on", "batch", b.snapshot().ID, "again_in", wait, "error", err)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.ctx.Done():
			timer.Stop()
			return
		}
	}
}

// step takes a batch from where it is to its end.
func (s *Server) step(b *batch, a *Account) error {
	if r := b.snapshot(); r.InProgress.IsZero() {
		if err := s.validate(b, a); err != nil {
			return err
		}
	}
	if r := b.snapshot(); r.ended() {
		return nil
	}
	end, err := s.run(b, a)
	if err != nil {
		return err
	}
	return s.finish(b, a, end)
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
	if len(found.errors) > 0 {
		_, err := b.update(func(r *record) {
			r.Status, r.Errors, r.Ended, r.Rows = failed, found.errors, time.Now(), 0
		})
		return errors.Join(err, s.forgetRun(&r))
	}
	_, err := b.update(func(r *record) {
		r.InProgress, r.Rejects = time.Now(), found.rejects
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
		s.withdraw(&r)
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

// cancel ends a batch before its time, unless it has ended.
func (s *Server) cancel(b *batch) (record, error) {
	var before status
	r, err := b.update(func(r *record) {
		if before = r.Status; before == validating || before == inProgress {
			r.Status, r.Cancelling = cancelling, time.Now()
		}
	})
	if err == nil && before == inProgress {
		s.spawn(func() { s.withdraw(&r) })
	}
	return r, err
}

// withdraw cancels the run of a batch. Its driver sees how that ends.
func (s *Server) withdraw(r *record) {
	h, err := s.cfg.Dir.Attach(r.run())
	if err == nil {
		err = h.Cancel(s.ctx)
	}
	if err != nil && s.ctx.Err() == nil {
		s.log.Warn("a batch was not cancelled", "batch", r.ID, "error", err)
	}
}

// forgetRun removes the run of a batch, which may never have begun.
func (s *Server) forgetRun(r *record) error {
	err := s.cfg.Dir.Forget(s.ctx, r.run(), false)
	if err == nil || errors.Is(err, durable.ErrNoRun) {
		return nil
	}
	return fmt.Errorf("batchapi: forget %s: %w", r.run(), err)
}

// forget removes a batch that has ended, with all that is kept of it.
func (s *Server) forget(b *batch) error {
	r := b.snapshot()
	if err := s.forgetRun(&r); err != nil {
		return err
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
	if err := s.drop(path.Join(batchesDir, r.ID+".json")); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.batches, r.ID)
	return nil
}
