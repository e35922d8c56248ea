package purchase

import (
	"errors"
	"sync"

	"github.com/balerhq/baler/internal/intent"
)

// Owners records which batches belong to which intent. With it, an engine tells
// its own batches from those of others if the provider keeps no tags. It knows
// what was noted: all intents of a job's journal, or those of one run of a
// stage.
type Owners struct {
	mu    sync.Mutex
	open  map[string]struct{} // tags of intents that may have a batch that is not known yet
	owned map[string]struct{} // batches that belong to an intent
	tags  map[string]string   // by batch: tags of other batches that have ended
}

// NewOwners returns the record of no batches.
func NewOwners() *Owners {
	return &Owners{open: make(map[string]struct{}), owned: make(map[string]struct{}), tags: make(map[string]string)}
}

// Note records the state of an intent.
func (o *Owners) Note(in intent.Intent) {
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

// Has reports whether the batch certainly belongs to an intent.
func (o *Owners) Has(batch string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.owned[batch]
	return ok
}

// Alone reports whether all other intents know their batches.
func (o *Owners) Alone(tag string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for other := range o.open {
		if other != tag {
			return false
		}
	}
	return true
}

// TagOf returns the tag of a batch that has ended, which read reads the first
// time. A tag never changes.
func (o *Owners) TagOf(batch string, read func() (string, error)) (string, error) {
	o.mu.Lock()
	tag, known := o.tags[batch]
	o.mu.Unlock()
	if known {
		return tag, nil
	}
	tag, err := read()
	if err == nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.tags[batch] = tag
	}
	return tag, err
}

// TagOrNone returns what TagOf does. If no row of the batch tells, which read
// says with ErrSilent, and nothing of the batch ran, then it is nobody's: "".
func (o *Owners) TagOrNone(batch string, read func() (string, error), nothingRan func() (bool, error)) (string, error) {
	tag, err := o.TagOf(batch, read)
	if !errors.Is(err, ErrSilent) {
		return tag, err
	}
	if nothing, err := nothingRan(); err != nil || nothing {
		return "", err
	}
	return tag, err
}
