package durable

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
)

// refetch takes a batch back if it is its results that are damaged, and cause
// says so: the provider still has them. It does not once some are settled, since
// which ones is known by their order alone, and another download may have another.
func (s *settler) refetch(ctx context.Context, in intent.Intent, cause error) (intent.Intent, error) {
	var damage *state.DamageError
	if !errors.As(cause, &damage) || damage.File != filepath.Join(s.Keys.Dir(), jobdir.ResultName(in.Tag)) {
		return in, cause
	}
	if n, err := s.RowsSettled(ctx, s.store, in.Tag); err != nil || n > 0 {
		return in, errors.Join(cause, err)
	}
	s.log.WarnContext(ctx, "results are damaged, downloading them again", "tag", in.Tag, "error", cause)
	return s.batches.advance(ctx, in, intent.FetchLost{})
}
