package durable

import (
	"sync"
	"time"

	"github.com/balerhq/baler/sink"
)

// pollState is what the driver of a batch remembers of its looks. It is not worth
// keeping: another process may warn and cancel again.
type pollState struct {
	began     time.Time // when this process sent it, or found it
	mine      bool      // this process sent it
	doubt     time.Time // when this process knew that its creation had been given up
	age       time.Duration
	aged      time.Time // when the provider said that it was of that age; zero if it did not
	looked    time.Time // last
	warned    bool      // of an unknown status
	unseen    int       // looks in a row that the provider refused
	late      time.Time // when it was found to have had all its time
	cancelled time.Time // when the provider was asked to end it
}

// pollStates are those of the batches that run.
type pollStates struct{ byTag sync.Map }

func (v *pollStates) of(tag string) *pollState {
	kept, _ := v.byTag.LoadOrStore(tag, &pollState{began: time.Now()})
	return kept.(*pollState) //nolint:forcetypeassert // the only type in it
}

// begin forgets what was seen of a batch, as another is sent in its place.
func (v *pollStates) begin(tag string) *pollState {
	begun := &pollState{began: time.Now(), mine: true}
	v.byTag.Store(tag, begun)
	return begun
}

func (v *pollStates) over(tag string) { v.byTag.Delete(tag) }

// waited is for how long a batch was not to be found that is in doubt, as far as
// this process has seen it.
func (v *pollState) waited() time.Duration {
	if v.doubt.IsZero() {
		v.doubt = time.Now()
	}
	return time.Since(v.doubt)
}

// note takes in how old a batch is by the provider's word.
func (v *pollState) note(s sink.Status) {
	if s.Age > 0 {
		v.age, v.aged = s.Age, time.Now()
	}
}
