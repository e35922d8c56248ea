package durable

import (
	"sync"

	"github.com/balerhq/baler/internal/intent"
)

// batchOwners is what the job knows of whose batches are, to tell its own from those
// of others where the provider does not. It is as complete as the journal.
type batchOwners struct {
	mu    sync.Mutex
	open  map[string]struct{} // tags of intents of which a batch may exist that is not known
	owned map[string]struct{} // batches that are an intent's
	tags  map[string]string   // of further batches that have ended
}

func newBatchOwners() *batchOwners {
	return &batchOwners{open: make(map[string]struct{}), owned: make(map[string]struct{}), tags: make(map[string]string)}
}

// note takes in the state of an intent.
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

// has reports whether the batch is that of an intent, for certain.
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

// read remembers the tag of a batch that has ended.
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
