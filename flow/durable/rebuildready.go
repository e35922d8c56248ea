package durable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

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
		if _, err := fmt.Sscanf(d.Name(), "%02x", &number); err != nil || levelDir(number) != path.Join(readyDir, d.Name()) {
			continue
		}
		end, err := a.keepLevel(number)
		if err != nil {
			return nil, err
		}
		var recs records
		put(&recs, &register[tailState]{key: a.keys.tail(number)}, tailState{End: end, Seq: last})
		put(&recs, &register[headState]{key: a.keys.head(number)}, headState{Pos: end, Seq: last + 1})
		if err := recs.commit(ctx, index); err != nil {
			return nil, err
		}
	}
	r, err := openReady(ctx, a, index)
	if err != nil {
		return nil, a.ifDamaged(readyDir, err)
	}
	r.seq = max(r.seq, last)
	return r, nil
}

// keepLevel returns the end of a level's log, to go on behind it. A damaged one is
// moved aside: what waits is known without it.
func (a *files) keepLevel(number uint8) (end segment.Pos, err error) {
	dir := levelDir(number)
	if end, err = segment.Extent(a.root, dir); err == nil {
		err = segment.Check(a.root, dir, a.readyLabel(number), end)
	}
	if errors.Is(err, segment.ErrDamaged) {
		return segment.Pos{}, a.setAside(dir)
	}
	if err != nil {
		return end, fmt.Errorf("durable: %w", err)
	}
	return end, nil
}
