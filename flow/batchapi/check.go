package batchapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// checkTimeout bounds how long a creation waits for the check of its key.
const checkTimeout = 20 * time.Second

// mostAdmitted bounds how many callers are known to have been admitted.
const mostAdmitted = 10_000

// admit refuses a caller whose key nothing is bought with, as the protocol's own
// provider does, before it leaves anything here. One that has files or batches
// has shown its key before, and is served while its provider is away.
func (s *Server) admit(c *call) error {
	if s.cfg.Keyless || s.isKnown(c.owner) {
		return nil
	}
	if _, err := s.connect(c); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remember(c.owner)
	return nil
}

// remember notes that a caller was admitted. Its caller has s.mu.
func (s *Server) remember(owner string) {
	if len(s.admitted) >= mostAdmitted {
		clear(s.admitted)
	}
	s.admitted[owner] = true
}

// isKnown reports whether a caller was admitted, or has something here.
func (s *Server) isKnown(owner string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.admitted[owner] {
		return true
	}
	for _, f := range s.files {
		if f.Owner == owner {
			s.remember(owner)
			return true
		}
	}
	for _, b := range s.batches {
		if b.snapshot().Owner == owner {
			s.remember(owner)
			return true
		}
	}
	return false
}

// try refuses a batch whose account cannot be used. A provider that is down is
// no reason to.
func (s *Server) try(c *call, p sink.Provider) error {
	ctx, stop := context.WithTimeout(c.r.Context(), checkTimeout)
	defer stop()
	err := p.Check(ctx)
	if class := retry.ClassOf(err); err == nil || class != retry.Blocked && class != retry.Permanent {
		return nil
	}
	s.log.Error("a batch is refused, as its account cannot be used", "account", p.Info().Account, "error", err)
	status := http.StatusUnauthorized
	if said, ok := errors.AsType[*retry.Error](err); ok && said.Status >= http.StatusBadRequest {
		status = said.Status
	}
	// What the provider says may show a part of a key that is not the caller's.
	return &apiError{status: status, code: "invalid_api_key", message: p.Info().Service() + " refuses the account: see the log of baler"}
}
