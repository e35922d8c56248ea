package durable

import (
	"errors"
	"fmt"

	"github.com/balerhq/baler/queue"
)

// Position returns how many items leave for a batch before the one with that
// key, in the order of Job.Queue, if nothing changes until then and no tenant
// is at its limit. It is 0 for the next one, and for items that are being put
// into a batch. The error is queue.ErrNotFound if the item does not wait: it is
// in a batch or settled, was not read yet, or follows another one (see
// Job.Samples).
//
// Only the Handle of Start can tell, until the run has ended. Position reads
// all entries that wait, about a second for a million; reading and
// buying wait meanwhile.
func (h *Handle) Position(key string) (int, error) {
	if h.own == nil {
		return 0, fmt.Errorf("durable: position of an item of %q: only the process that runs the job knows it", h.name)
	}
	select {
	case <-h.own.done:
		return 0, fmt.Errorf("durable: position of an item of %q: %w: the run has ended", h.name, queue.ErrNotFound)
	default:
	}
	n, err := h.own.position(key)
	if errors.Is(err, queue.ErrNotFound) {
		err = fmt.Errorf("durable: position of an item of %q: %w", h.name, err)
	}
	return n, err
}

// position returns the position of an item in the ready log.
func (b *batches) position(key string) (int, error) {
	if b.ready == nil {
		return 0, queue.ErrNotFound
	}
	return b.ready.Position(key)
}
