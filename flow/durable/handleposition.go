package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/queue"
)

// Position returns how many items leave for a batch before the one with that
// key, in the order of Job.Queue, if nothing changes until then and no tenant
// is at its limit. It is 0 for the next one, and for items that are being put
// into a batch. The error is queue.ErrNotFound if the item does not wait: it is
// in a batch or settled, was not read yet, or follows another one (see
// Job.Samples); or if no process runs the run, which is the only one that can
// tell. An archive says where items are in any case.
//
// Another process answers within about a second. Position reads all entries
// that wait, about a second for a million; reading and buying wait meanwhile.
// If ctx ends first, its error comes back. If a process has the run open and
// does not answer within ten seconds, and ten more for each million items, an
// error says so: it is suspended, or adopts batches.
func (h *Handle) Position(ctx context.Context, key string) (n int, err error) {
	if h.own != nil {
		n, err = h.own.positionOf(key)
	} else {
		n, err = h.askPosition(ctx, key)
	}
	if err != nil {
		err = fmt.Errorf("durable: position of an item of %q: %w", h.name, err)
	}
	return n, err
}

func (p *process) positionOf(key string) (int, error) {
	select {
	case <-p.done:
		return 0, fmt.Errorf("%w: the run has ended", queue.ErrNotFound)
	default:
		return p.position(key)
	}
}

// told is what a process answers that was asked for the position of an item.
type told struct {
	Asked    int    `json:"asked"` // see rundir.Control
	Waits    bool   `json:"waits"`
	Position int    `json:"position"`
	Error    string `json:"error,omitempty"`
}

// answers reports whether t is the answer to the last question, if there is
// one.
func (t *told) answers(c rundir.Control) bool {
	return c.Asked == 0 || t != nil && t.Asked == c.Asked
}

// askPosition asks the process that runs the run. If somebody else asks before
// it has answered, it answers that one, and is asked again.
func (h *Handle) askPosition(ctx context.Context, key string) (int, error) {
	var c rundir.Control
	began := time.Now()
	for {
		s, held, err := readStatus(h.dir)
		switch {
		case err != nil:
			return 0, err
		case !held:
			return 0, fmt.Errorf("%w: no process runs the run", queue.ErrNotFound)
		case c.Asked > 0 && s.Told.answers(c):
			return s.Told.answer()
		case c.Asked == 0 || s.Told != nil && s.Told.Asked > c.Asked:
			if c, err = h.ask(key); err != nil {
				return 0, err
			}
		}
		if patience := answerTime(s.Rows); time.Since(began) > patience {
			return 0, fmt.Errorf("the process that has the run open has not answered within %s: it is suspended, or does something else than to run it: ask again", patience)
		}
		if err := purchase.Sleep(ctx, applyInterval); err != nil {
			return 0, err
		}
	}
}

// answerTime returns how long a process may take to answer that has so many
// rows: ten times what it takes if it is not busy.
func answerTime(rows int) time.Duration {
	return 10*time.Second + time.Duration(rows)*10*time.Microsecond
}

// ask writes a question to the control file.
func (h *Handle) ask(key string) (rundir.Control, error) {
	return h.dir.Change(func(c *rundir.Control) (changed bool, err error) {
		c.Ask, c.Asked = key, c.Asked+1
		return true, nil
	})
}

func (t *told) answer() (int, error) {
	switch {
	case t.Error != "":
		return 0, errors.New(t.Error)
	case !t.Waits:
		return 0, queue.ErrNotFound
	}
	return t.Position, nil
}

// tell answers a question of another process.
func (ctl *controller) tell(c rundir.Control) *told {
	n, err := ctl.batches.position(c.Ask)
	t := &told{Asked: c.Asked, Waits: err == nil, Position: n}
	if err != nil && !errors.Is(err, queue.ErrNotFound) {
		t.Error = err.Error()
	}
	return t
}

// position returns the position of an item in the ready log.
func (b *batches) position(key string) (int, error) {
	if b.ready == nil {
		return 0, queue.ErrNotFound
	}
	return b.ready.Position(key)
}
