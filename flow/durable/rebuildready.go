package durable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// newReady returns a ready queue that goes on behind what is there, none of
// which counts.
func (a *files) newReady(ctx context.Context, index state.Store, last uint64) (*ready, error) {
	dirs, err := fs.ReadDir(a.root.FS(), readyDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("durable: %w", err)
	}
	for _, d := range dirs {
		var number uint8
		if _, err := fmt.Sscanf(d.Name(), "%02x", &number); err != nil {
			continue
		}
		end, err := segment.Extent(a.root, readyDir+"/"+d.Name())
		if err != nil {
			return nil, fmt.Errorf("durable: %w", err)
		}
		var recs records
		put(&recs, &register[tailState]{key: a.keys.tail(number)}, tailState{End: end, Seq: last})
		put(&recs, &register[headState]{key: a.keys.head(number)}, headState{Pos: end, Seq: last + 1})
		if err := recs.commit(ctx, index); err != nil {
			return nil, err
		}
	}
	r, err := openReady(ctx, a, index)
	if err == nil {
		r.seq = max(r.seq, last)
	}
	return r, err
}
