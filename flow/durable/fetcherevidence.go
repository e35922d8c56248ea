package durable

import (
	"sync"
	"time"
)

// A batch with missing rows is downloaded again, after longer and longer waits,
// for patience times the grace. Late files come within seconds, and an outage
// is over within minutes. Then a person may decide. As long as other batches
// are open, the batch is still downloaded every few minutes, and again at the
// next start. The run is not held open for it alone, because that would only
// delay the rest.
const (
	patience        = 6
	minDownloads    = 3 // downloads before a person is asked to decide
	agreedDownloads = 2 // downloads that must agree before rows count as never run
	agreementGap    = 6 // polling intervals between these
)

// evidence is what the driver of an ended batch remembers of its downloads. It
// is not stored, because another process can begin anew.
type evidence struct {
	first     time.Time // when rows were missing first
	downloads int       // downloads since then that brought nothing new
	next      time.Time // when to download again
	agreed    int       // downloads in a row that reported the same number of rows that never ran
	absent    int       // that number

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
