package durable

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/balerhq/baler/internal/intent"
)

// openBatches shows the open batches to other processes.
type openBatches struct {
	batches *batches

	mu   sync.Mutex
	open map[string]intent.Intent
	seen map[string]seen
}

// seen is what the last poll of a batch has shown.
type seen struct {
	phase string
	ran   int // rows
}

func newOpenBatches() *openBatches {
	return &openBatches{open: make(map[string]intent.Intent), seen: make(map[string]seen)}
}

// see records what a poll has shown, and reports whether that is new.
func (b *openBatches) see(tag string, s seen) (fresh bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	was, known := b.seen[tag]
	b.seen[tag] = s
	return !known || was != s
}

// show records the state of a batch, and reports whether that is new.
func (b *openBatches) show(in intent.Intent) (fresh bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if in.Done() {
		delete(b.open, in.Tag)
		delete(b.seen, in.Tag)
		return true
	}
	was, known := b.open[in.Tag]
	b.open[in.Tag] = in
	return !known || was.Rev != in.Rev
}

// moved reports whether a batch has changed since it was shown.
func (b *openBatches) moved(in intent.Intent) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open[in.Tag].Rev != in.Rev
}

// intents returns the open batches in any order.
func (b *openBatches) intents() []intent.Intent {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Values(b.open))
}

// list returns the open batches, those that were bought first.
func (b *openBatches) list() []OpenBatch {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]OpenBatch, 0, len(b.open))
	for in := range maps.Values(b.open) {
		r := b.batches.routes.get(in.Route)
		open := OpenBatch{
			Route: r.Name, Model: r.Model,
			Tag: in.Tag, Batch: in.Batch, State: string(in.State), Rows: in.Rows, Flush: flushOf(in), SentAt: in.SentAt, Creates: in.Creates,
			Missing: in.Missing, Undecided: in.Undecided,
		}
		if s := b.seen[in.Tag]; in.State == intent.Submitted {
			open.Phase, open.Ran = s.phase, s.ran
		}
		all = append(all, open)
	}
	slices.SortFunc(all, func(x, y OpenBatch) int {
		return cmp.Or(x.SentAt.Compare(y.SentAt), cmp.Compare(x.Tag, y.Tag))
	})
	return all
}
