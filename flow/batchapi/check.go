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
