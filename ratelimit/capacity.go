package ratelimit

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Capacity keeps batches under the standing limits of a batch API: tokens, rows
// and batches that a model has enqueued, held from submission until the batch
// ends. Work waits for its turn; it does not fail.
//
// Reservations have a name, the batch's, so that all is safe to repeat after a
// crash: reserving again changes nothing, releasing again neither. A lane's
// reservations are one record of about 60 bytes and the name for each.
//
// It is safe for concurrent use. Make it with [NewCapacity].
type Capacity struct {
	cfg CapacityConfig

	mu    sync.Mutex
	lanes map[string]*lane
}

// lane is what this process knows of a lane.
type lane struct {
	turn     chan struct{} // holds one token: whoever has it may reserve next
	released chan struct{} // wakes the one whose turn it is
}

// NewCapacity returns a Capacity, or an error that names the wrong field of c.
func NewCapacity(c CapacityConfig) (*Capacity, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.Poll == 0 {
		c.Poll = 10 * time.Second
	}
	if c.Store == nil {
		c.Store = &memory{records: make(map[string][]byte)}
	}
	return &Capacity{cfg: c, lanes: make(map[string]*lane)}, nil
}

// Reserve holds load for batch in the lane as soon as it fits, in the order of
// the calls. If the batch holds something there already, that stays and nothing
// is added. The error wraps [ErrTooLarge] for a load that never fits,
// [context.Cause], or what the Store says.
func (c *Capacity) Reserve(ctx context.Context, lane, batch string, load Load) error {
	if held, err := c.Held(ctx, lane); err != nil {
		return err
	} else if _, ok := held[batch]; ok {
		return nil // not in turn: the first in line may wait for this very batch
	}
	l := c.lane(lane)
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return capacityError(lane, context.Cause(ctx))
	}
	poll := time.NewTicker(c.cfg.Poll)
	defer poll.Stop()
	for {
		if ok, err := c.TryReserve(ctx, lane, batch, load); ok || err != nil {
			return err
		}
		select {
		case <-l.released:
		case <-poll.C:
		case <-ctx.Done():
			return capacityError(lane, context.Cause(ctx))
		}
	}
}

// TryReserve is Reserve for a caller that does not wait: false means not now. It
// may take what a Reserve is waiting for.
func (c *Capacity) TryReserve(ctx context.Context, lane, batch string, load Load) (ok bool, err error) {
	limit := c.limit(lane)
	if err := load.check(); err != nil {
		return false, capacityError(lane, err)
	}
	if !load.fits(limit) {
		return false, capacityError(lane, fmt.Errorf("reserve %+v of %+v: %w", load, limit, ErrTooLarge))
	}
	err = c.update(ctx, lane, func(held map[string]Load) (changed bool) {
		if _, ok = held[batch]; ok || !total(held).plus(load).fits(limit) {
			return false
		}
		held[batch] = load
		ok = true
		return true
	})
	return ok && err == nil, err
}

// Release gives back what batch holds in the lane, if anything.
func (c *Capacity) Release(ctx context.Context, lane, batch string) error {
	err := c.update(ctx, lane, func(held map[string]Load) (changed bool) {
		_, changed = held[batch]
		delete(held, batch)
		return changed
	})
	if err != nil {
		return err
	}
	select {
	case c.lane(lane).released <- struct{}{}:
	default: // it will look anyway
	}
	return nil
}

// Held returns what each batch holds in the lane, the caller's to keep. After a
// crash it tells which reservations may have lost their owner.
func (c *Capacity) Held(ctx context.Context, lane string) (held map[string]Load, err error) {
	err = c.update(ctx, lane, func(h map[string]Load) (changed bool) { held = h; return false })
	return held, err
}

func (c *Capacity) limit(lane string) Load {
	if limit, ok := c.cfg.Limits[lane]; ok {
		return limit
	}
	return c.cfg.Fallback
}

func (c *Capacity) lane(name string) *lane {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lanes[name]
	if l == nil {
		l = &lane{turn: make(chan struct{}, 1), released: make(chan struct{}, 1)}
		c.lanes[name] = l
	}
	return l
}

func capacityError(lane string, err error) error {
	return fmt.Errorf("ratelimit: lane %s: %w", lane, err)
}
