package durable

import (
	"sync"

	"github.com/balerhq/baler/internal/intent"
)

// batchOwners records which batches belong to which intent. With it, the job
// tells its own batches from those of others if the provider keeps no tags. It
// is as complete as the journal.
type batchOwners struct {
	mu    sync.Mutex
	open  map[string]struct{} // tags of intents that may have a batch that is not known yet
	owned map[string]struct{} // batches that belong to an intent
	tags  map[string]string   // by batch: tags of other batches that have ended
}

func newBatchOwners() *batchOwners {
	return &batchOwners{open: make(map[string]struct{}), owned: make(map[string]struct{}), tags: make(map[string]string)}
}

// note records the state of an intent.
func (o *batchOwners) note(in intent.Intent) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.open, in.Tag)
	if in.Open() {
		o.open[in.Tag] = struct{}{}
	}
	for _, batch := range append([]string{in.Batch}, in.Surplus...) {
		if in.Owns(batch) {
			o.owned[batch] = struct{}{}
		}
	}
}

// has reports whether the batch certainly belongs to an intent.
func (o *batchOwners) has(batch string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.owned[batch]
	return ok
}

// alone reports whether all other intents know their batches.
func (o *batchOwners) alone(tag string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for other := range o.open {
		if other != tag {
			return false
		}
	}
	return true
}

// read records the tag of a batch that has ended.
func (o *batchOwners) read(batch, tag string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tags[batch] = tag
}

func (o *batchOwners) tagOf(batch string) (tag string, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	tag, ok = o.tags[batch]
	return tag, ok
}
