package durable

import (
	"sync"

	"github.com/balerhq/baler/internal/purchase"
)

// evidence is what the driver of an ended batch remembers of its downloads. As
// long as other batches are open, a batch about which a person has to decide is
// still downloaded every few minutes, and again at the next start. The run is
// not held open for it alone, because that would only delay the rest.
type evidence struct {
	purchase.Evidence
	freeSlot func() // lets another batch be bought
}

// evidences holds the evidence of each batch that has ended, by tag.
type evidences struct{ byTag sync.Map }

func (v *evidences) of(tag string) *evidence {
	kept, _ := v.byTag.LoadOrStore(tag, new(evidence))
	return kept.(*evidence) //nolint:forcetypeassert // the only type in it
}

func (v *evidences) over(tag string) { v.byTag.Delete(tag) }

// forget resets the evidence, because the results are on disk.
func (v *evidence) forget() { *v = evidence{freeSlot: v.freeSlot} }
