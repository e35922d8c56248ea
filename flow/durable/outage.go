package durable

import (
	"context"
	"errors"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// These say when a provider of a job with several counts as down: after how
// many calls in a row that it does not answer as it should, and for how long.
const (
	outageFailures = 3
	outageCooldown = time.Minute
)

// watchOutages lets a service know when its provider is down. Of a job with one
// provider it does not matter: its batches wait in any case. MaxWait is that of
// a batch. Rows that were taken back from one wait as long for others to fill
// the next one, and must not find the provider due for a try just then, again
// and again.
func (s *service) watchOutages(maxWait time.Duration) {
	s.avoidFor = outageCooldown + outageCooldown/2 + maxWait
	s.breaker, _ = retry.NewBreaker(s.info.Service(), retry.BreakerConfig{ // its numbers are not negative
		Failures: outageFailures, Cooldown: outageCooldown,
		OnChange: func(_ string, open bool) {
			if open {
				s.isDown()
				s.observed(RouteDown, "its provider does not answer")
			} else {
				s.isUp()
				s.observed(RouteUp, "")
			}
		},
	})
}

// observed reports that the routes of the service can be used no more, or
// again.
func (s *service) observed(state RouteState, reason string) {
	if s.observe != nil {
		s.observe(state, reason)
	}
}

// isDown notes that the provider is down for a while. Then one call tries
// whether it is back. Rows that have another route avoid it for longer.
func (s *service) isDown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.downUntil, s.avoidUntil = now.Add(outageCooldown), now.Add(max(s.avoidFor, outageCooldown))
}

func (s *service) isUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.downUntil, s.avoidUntil = time.Time{}, time.Time{}
}

// down returns until when the provider counts as down.
func (s *service) down() (until time.Time, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.downUntil, time.Now().Before(s.downUntil)
}

// avoided reports whether rows that have another route do not come. Batches
// that wait for the provider do not know it: one of them makes the next try.
func (s *service) avoided() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.avoidUntil)
}

// Upload implements sink.Provider.
func (s *service) Upload(ctx context.Context, spec sink.Spec, rows sink.Rows) (file string, err error) {
	err = s.call(ctx, func(ctx context.Context) (err error) {
		file, err = s.Provider.Upload(ctx, spec, rows)
		return err
	})
	return file, err
}

// Create implements sink.Provider.
func (s *service) Create(ctx context.Context, spec sink.Spec, file string, rows sink.Rows) (batch string, err error) {
	err = s.call(ctx, func(ctx context.Context) (err error) {
		batch, err = s.Provider.Create(ctx, spec, file, rows)
		return err
	})
	return batch, err
}

// call makes no call while the provider is down.
func (s *service) call(ctx context.Context, do func(context.Context) error) error {
	if s.breaker == nil {
		return do(ctx)
	}
	var refused error
	err := s.breaker.Do(ctx, func(ctx context.Context) error {
		if refused = do(ctx); passes(refused) || errors.Is(refused, sink.ErrStorageFull) {
			return nil // it answers, and has no room for now
		}
		return refused
	})
	if errors.Is(err, retry.ErrOpen) {
		if s.breaker.IsOpen() {
			s.isDown() // another call is trying whether it is back
		}
		return err
	}
	return refused
}
