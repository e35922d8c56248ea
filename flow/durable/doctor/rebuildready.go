package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/ready"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// newReady returns a ready log that continues after the existing entries and
// ignores them.
func newReady(ctx context.Context, a *jobdir.Dir, index state.Store, last uint64) (*ready.Log, error) {
	dirs, err := fs.ReadDir(a.Root.FS(), jobdir.ReadyDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("durable: %w", err)
	}
	for _, d := range dirs {
		var number uint8
		if _, err := fmt.Sscanf(d.Name(), "%02x", &number); err != nil || jobdir.LevelDir(number) != path.Join(jobdir.ReadyDir, d.Name()) {
			continue
		}
		end, err := keptLevel(a, number)
		if err != nil {
			return nil, err
		}
		var recs records
		put(&recs, &jobdir.Record[jobdir.TailState]{Key: a.Keys.Tail(number)}, jobdir.TailState{End: end, Seq: last})
		put(&recs, &jobdir.Record[jobdir.HeadState]{Key: a.Keys.Head(number)}, jobdir.HeadState{Pos: end, Seq: last + 1})
		if err := recs.commit(ctx, index); err != nil {
			return nil, err
		}
	}
	r, err := ready.Open(ctx, a, index)
	if err != nil {
		return nil, a.IfDamaged(jobdir.ReadyDir, err)
	}
	r.Seq = max(r.Seq, last)
	return r, nil
}

// keptLevel returns the end of the log of a priority, where it continues. A
// damaged log is moved aside, because the waiting rows are known without it.
func keptLevel(a *jobdir.Dir, number uint8) (end segment.Pos, err error) {
	dir := jobdir.LevelDir(number)
	if end, err = segment.Extent(a.Root, dir); err == nil {
		err = segment.Check(a.Root, dir, a.ReadyLabel(number), end)
	}
	if errors.Is(err, segment.ErrDamaged) {
		return segment.Pos{}, setAside(a, dir)
	}
	if err != nil {
		return end, fmt.Errorf("durable: %w", err)
	}
	return end, nil
}
