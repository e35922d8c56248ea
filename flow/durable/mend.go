package durable

import (
	"context"
	"errors"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// mendBales makes the manifests again that are damaged, and that the run needs.
func (e *engine) mendBales(ctx context.Context, told *jobdir.Replayed) error {
	for _, in := range told.Intents {
		if !jobdir.NeedsManifest(in) {
			continue
		}
		cause := e.CheckManifest(in)
		if cause == nil {
			continue
		}
		if err := e.RemakeManifest(in, told); err != nil {
			return errors.Join(cause, err)
		}
		e.log.WarnContext(ctx, "the file of a batch's rows was damaged, and made again", "tag", in.Tag, "error", cause)
	}
	return nil
}
