package durable

import (
	"sync"
	"time"

	"github.com/balerhq/baler/sink"
)

// pollState is what the driver of a batch remembers of its polls. It is not
// stored, because another process may warn and cancel again.
type pollState struct {
	began     time.Time // when this process sent it, or found it
	mine      bool      // this process sent it
	doubt     time.Time // when this process knew that its creation had been given up
	repeated  bool      // its creation was repeated last, so that it is looked for next
	denied    bool      // its creation was refused when it was repeated
	age       time.Duration
	aged      time.Time // when the provider said that it was of that age; zero if it did not
	polled    time.Time // last
	warned    bool      // of an unknown status
	failed    int       // polls in a row that were not answered
	unseen    int       // polls in a row that the provider refused
	late      time.Time // when its time was found to be over
	cancelled time.Time // when the provider was asked to end it
}

// pollStates holds the poll state of each batch that runs, by tag.
type pollStates struct{ byTag sync.Map }

func (v *pollStates) of(tag string) *pollState {
	kept, _ := v.byTag.LoadOrStore(tag, &pollState{began: time.Now()})
	return kept.(*pollState) //nolint:forcetypeassert // the only type in it
}

// begin resets the poll state of a batch, because it is sent again.
func (v *pollStates) begin(tag string) *pollState {
	begun := &pollState{began: time.Now(), mine: true}
	v.byTag.Store(tag, begun)
	return begun
}

func (v *pollStates) over(tag string) { v.byTag.Delete(tag) }

// waited returns for how long this process has not found a batch in doubt.
func (v *pollState) waited() time.Duration {
	if v.doubt.IsZero() {
		v.doubt = time.Now()
	}
	return time.Since(v.doubt)
}

// note records the age that the provider reports.
func (v *pollState) note(s sink.Status) {
	if s.Age > 0 {
		v.age, v.aged = s.Age, time.Now()
	}
}
