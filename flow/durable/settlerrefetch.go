package durable

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
)

// refetch lets a batch be downloaded again if cause says that its results are
// damaged. The provider still has them. It does not do so once some of them are
// settled. Settled results are known only by their order, and another download
// may have another order.
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
