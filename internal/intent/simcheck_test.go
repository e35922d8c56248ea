package intent_test

import (
	"maps"
	"slices"

	"github.com/balerhq/baler/internal/intent"
)

// check compares what the job has recorded with what the provider has done,
// long after all of it is over.
func (w *world) check() {
	d := &w.disk
	if again := d.rebuilt(w.items).store; !d.store.equal(again) {
		w.fail("the store is not what the journal makes of it: %+v and %+v", d.store, again)
	}
	w.checkItems()
	w.checkBatches()
	w.stats["runs"], w.stats["points"], w.stats["items"] = 1, w.points, w.items
	if w.covered() {
		w.stats["covered"] = 1
	}
}

// checkItems: nothing is lost, and each end is what the provider said it is.
func (w *world) checkItems() {
	handed := make([]int, w.items)
	for _, n := range w.disk.output {
		handed[n]++
	}
	for n, m := range w.ledger() {
		if m.state != done || handed[n] != 1 {
			w.fail("item %d is lost or repeated: %+v, handed on %d times", n, m, handed[n])
		}
		in := w.disk.store.intents[m.tag]
		if in.Batch == "" {
			w.checkGivenUp(in, m)
			continue
		}
		b := w.provider.get(in.Batch)
		row := slices.IndexFunc(b.rows, func(r result) bool { return r.item == n })
		if row < 0 {
			w.fail("item %d has the result of a batch that it was not in", n)
		}
		if want := b.rows[row].end; !b.refused && m.end != want && in.Verdict == "" {
			w.fail("item %d is recorded as %d and was %d", n, m.end, want)
		}
	}
}

func (w *world) checkGivenUp(in intent.Intent, m mark) {
	if w.policy != intent.Fail || m.end != refused || in.Reason == nil {
		w.fail("item %d has failed without a batch: %+v", m.entry.item, in)
	}
	w.stats["given up"]++
}

// checkBatches: nothing is bought twice, or else it is known by the time that
// it was looked for last.
func (w *world) checkBatches() {
	created, paid := w.bought()
	twice := 0
	for _, tag := range slices.Sorted(maps.Keys(w.disk.store.intents)) {
		in := w.disk.store.intents[tag]
		if !in.Done() || in.Cancelled != len(in.Surplus) {
			w.fail("intent %s is left in state %s with %d of %d cancelled", tag, in.State, in.Cancelled, len(in.Surplus))
		}
		w.stats["batches"] += len(created[tag])
		twice += max(0, len(created[tag])-1)
		w.checkIntent(in, created[tag])
		delete(created, tag)
	}
	w.stats["twice"] += twice
	if len(created) > 0 {
		w.fail("%d tags at the provider are in no journal", len(created))
	}
	if (twice > 0 || paid > 1) && w.covered() && w.policy != intent.Resubmit && w.stats["abandoned"] == 0 {
		w.fail("%d batches were bought twice, and an item %d times, although nothing came after the grace period", twice, paid)
	}
}

// bought returns our batches that were not refused by their tags, and how often
// an item was paid for at most.
func (w *world) bought() (created map[string][]*batch, paid int) {
	created = make(map[string][]*batch)
	times := make([]int, w.items)
	for _, b := range w.provider.batches {
		if len(b.rows) == 0 || b.rows[0].item == somebody || b.refused {
			continue
		}
		created[b.tag] = append(created[b.tag], b)
		for _, r := range b.rows {
			if r.end == answered {
				times[r.item]++
			}
		}
	}
	return created, slices.Max(times)
}

func (w *world) checkIntent(in intent.Intent, created []*batch) {
	if len(created) > 1 && !in.InDoubt() {
		w.fail("tag %s was bought twice without a doubt", in.Tag)
	}
	own := append([]string{in.Batch}, in.Surplus...)
	for n, id := range own {
		if id != "" && (w.provider.get(id).tag != in.Tag || slices.Contains(own[:n], id)) {
			w.fail("batch %s of tag %q is not that of %+v", id, w.provider.get(id).tag, in)
		}
	}
	for _, b := range created {
		w.checkBatch(in, b)
	}
}

// checkBatch: what was bought is used, or known not to be.
func (w *world) checkBatch(in intent.Intent, b *batch) {
	switch {
	case b.id == in.Batch:
	case slices.Contains(in.Surplus, b.id):
		w.stats["surplus"]++
		if !b.cancelled {
			w.fail("batch %s of tag %s was bought twice, and is booked as cancelled", b.id, in.Tag)
		}
	case slices.Contains(in.Suspects, b.id), len(in.Suspects) == maxSuspects:
		w.stats["suspects"]++
	case b.listed.After(w.looked[in.Tag]), b.overlooked:
		w.stats["missed"]++ // it came after all was over, or the last list lacked it
	default:
		w.fail("batch %s of tag %s was bought twice, and nobody knows", b.id, in.Tag)
	}
}
