package live

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// Find implements sink.Provider. It looks on disk only. The time does not
// matter, since a tag has one batch.
func (p *Provider) Find(ctx context.Context, tag string, _ time.Time) ([]string, error) {
	b, err := p.find(ctx, tag, nil)
	if b == nil || err != nil {
		return nil, err
	}
	return []string{b.Tag}, nil
}

// List implements sink.Provider. It looks on disk only, and no batch goes on
// because it is listed.
func (p *Provider) List(ctx context.Context, _ time.Time) iter.Seq2[sink.Listing, error] {
	return func(yield func(sink.Listing, error) bool) {
		if err := p.usable(ctx); err != nil {
			yield(sink.Listing{}, err)
			return
		}
		entries, err := fs.ReadDir(p.root.FS(), ".")
		if err != nil {
			yield(sink.Listing{}, retry.Mark(fmt.Errorf("live: list: %w", err), retry.Blocked))
			return
		}
		for _, e := range entries {
			if !e.IsDir() || !isTag(e.Name()) {
				continue
			}
			b, err := p.look(e.Name())
			if b == nil && err == nil {
				continue
			}
			if err != nil {
				yield(sink.Listing{}, err)
				return
			}
			if !yield(b.listing(), nil) {
				return
			}
		}
	}
}

// look returns a batch as it stands.
func (p *Provider) look(tag string) (*batch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.batches[tag]; b != nil {
		return b, nil
	}
	if p.open.Err() != nil {
		return nil, errClosed
	}
	return p.load(tag)
}

func (b *batch) listing() sink.Listing {
	b.mu.Lock()
	defer b.mu.Unlock()
	return sink.Listing{
		Batch: b.Tag, Tag: b.Tag, Created: b.created, Age: max(time.Since(b.created), 0), Rows: len(b.rows), Ended: b.hasEnded(),
	}
}
