package durable

import (
	"sync"
	"time"
)

// A batch of which rows are missing is downloaded again, after longer and longer
// waits, for patience times the grace: what is late comes within seconds, what is
// down within minutes. Then a person may decide. As long as other batches are open
// it is still downloaded every few minutes, and so it is at the next start; to
// hold the run open for it alone, until the provider's window is over, would help
// nobody who waits for the rest.
const (
	patience     = 6
	leastLooks   = 3 // downloads before a person is asked
	agreedLooks  = 2 // that must tell the same before rows are said to have never run
	agreementGap = 6 // polling intervals between these
)

// evidence is what the driver of an ended batch remembers of its downloads. It is
// not worth keeping: another process begins anew.
type evidence struct {
	first     time.Time // when rows were missing first
	downloads int       // downloads since then that brought nothing new
	next      time.Time // when to download again
	agreed    int       // downloads in a row that told of as many rows that never ran
	absent    int       // how many

	freeSlot func() // lets another batch be bought
}

// evidences are those of the batches that have ended.
type evidences struct{ byTag sync.Map }

func (v *evidences) of(tag string) *evidence {
	kept, _ := v.byTag.LoadOrStore(tag, new(evidence))
	return kept.(*evidence) //nolint:forcetypeassert // the only type in it
}

func (v *evidences) over(tag string) { v.byTag.Delete(tag) }

// forget begins anew: the results are on disk.
func (v *evidence) forget() { *v = evidence{freeSlot: v.freeSlot} }
