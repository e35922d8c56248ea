package intent_test

import (
	"slices"

	"github.com/balerhq/baler/internal/intent"
)

// check compares what the job has recorded with what the provider has done,
// long after all of it is over.
func (w *world) check() {
	intents := w.replay()
	w.checkIntents(intents)
	w.checkItems()
	w.checkBatches(intents)
	w.stats.runs, w.stats.points, w.stats.items = 1, w.points, w.items
	if w.covered() {
		w.stats.covered = 1
	}
}

func (w *world) checkIntents(intents []*intent.Intent) {
	for _, in := range intents {
		if !in.Done() || in.Cancelled != len(in.Surplus) {
			w.fail("intent %s is left in state %s with %d of %d cancelled", in.Tag, in.State, in.Cancelled, len(in.Surplus))
		}
		if stored := w.disk.intents[in.Tag]; stored.Rev != in.Rev || stored.State != in.State {
			w.fail("intent %s is %s in the journal and %s in the store", in.Tag, in.State, stored.State)
		}
	}
	if len(w.disk.bales) > 0 {
		w.fail("files of %d batches are left behind", len(w.disk.bales))
	}
}

// checkItems: nothing is lost, and each end is what the provider said it is.
func (w *world) checkItems() {
	for n, it := range w.disk.items {
		if it.state != done || w.disk.delivered[n] == 0 {
			w.fail("item %d is lost: state %d, delivered %d times", n, it.state, w.disk.delivered[n])
		}
		w.stats.redelivered += w.disk.delivered[n] - 1
		b := w.provider.get(w.disk.intents[it.tag].Batch)
		row := slices.IndexFunc(b.rows, func(o outcome) bool { return o.item == n })
		if row < 0 {
			w.fail("item %d has the result of a batch that it was not in", n)
		}
		if want := b.rows[row].end; !b.refused && it.end != want {
			w.fail("item %d is recorded as %d and was %d", n, it.end, want)
		}
	}
}

// checkBatches: nothing is bought twice, or else it is known by the time that
// it was looked for last.
func (w *world) checkBatches(intents []*intent.Intent) {
	paid := make([]int, w.items)
	created := make(map[string][]*batch)
	for _, b := range w.provider.batches {
		if len(b.rows) == 0 {
			continue // somebody else's
		}
		created[b.tag] = append(created[b.tag], b)
		for _, o := range b.rows {
			if o.end == answered && !b.refused {
				paid[o.item]++
			}
		}
	}
	twice := 0
	for _, in := range intents {
		w.stats.batches += len(created[in.Tag])
		twice += len(created[in.Tag]) - 1
		w.checkSurplus(in, created[in.Tag])
		delete(created, in.Tag)
	}
	if len(created) > 0 {
		w.fail("%d tags at the provider are in no journal", len(created))
	}
	if !w.covered() || w.replies.twice > 0 {
		return
	}
	if twice > 0 || slices.Max(paid) > 1 {
		w.fail("%d batches were bought twice, although nothing came after the grace period", twice)
	}
}

func (w *world) checkSurplus(in *intent.Intent, created []*batch) {
	if len(created) > 1 && !in.InDoubt() {
		w.fail("tag %s was bought twice without a doubt", in.Tag)
	}
	for _, b := range created {
		switch known := slices.Contains(in.Surplus, b.id); {
		case b.id == in.Batch && known:
			w.fail("batch %s is surplus to itself", b.id)
		case b.id == in.Batch:
		case known:
			w.stats.surplus++
		case b.listed.After(w.disk.ended[in.Tag]):
			w.stats.missed++ // it came after all was over
		default:
			w.fail("batch %s of tag %s was bought twice, and nobody knows", b.id, in.Tag)
		}
	}
	for _, id := range in.Surplus {
		if b := w.provider.get(id); b.tag != in.Tag {
			w.fail("batch %s of tag %q was cancelled for %s", id, b.tag, in.Tag)
		}
	}
}
