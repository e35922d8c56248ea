package durable

import (
	"time"

	"github.com/balerhq/baler/internal/indexheap"
)

// turn is a driver that waits to poll its batch. It is in the poller's heap
// until it is granted.
type turn struct {
	indexheap.Place
	due     time.Time
	granted chan struct{} // closed when the driver may poll
}

// Before orders turns by the time at which they are due.
func (t *turn) Before(other *turn) bool { return t.due.Before(other.due) }
