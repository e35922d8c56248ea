package ratelimit

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"
)

// Capacity keeps batches under the standing limits of a batch API: the tokens,
// rows and batches that a model has enqueued, from submission until the batch
// ends. Work that does not fit waits and does not fail.
//
// A lane is one such limit, usually that of a model. A reservation has the name
// of its batch, so each call is safe to repeat after a crash: reserving or
// releasing again changes nothing. The reservations of a lane are one record of
// about 60 bytes and the name for each.
//
// A Capacity is safe for concurrent use. Make it with [NewCapacity]; the zero
// Capacity is one of the zero [CapacityConfig].
type Capacity struct {
	cfg    CapacityConfig
	memory memory // of one without a Store
	once   sync.Once

	mu     sync.Mutex
	lanes  map[string]*lane // with calls that wait
	limits map[string]Load  // that SetLimit has set
}

// NewCapacity returns a Capacity, or an error that names the wrong field of c.
func NewCapacity(c CapacityConfig) (*Capacity, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &Capacity{cfg: c}, nil
}

// init comes late, so that a zero Capacity works.
func (c *Capacity) init() {
	if c.cfg.Poll == 0 {
		c.cfg.Poll = 10 * time.Second
	}
	c.lanes, c.limits = make(map[string]*lane), make(map[string]Load)
}

// Reserve is [Capacity.ReserveFirst] with priority 0.
func (c *Capacity) Reserve(ctx context.Context, lane, batch string, load Load) error {
	return c.ReserveFirst(ctx, 0, lane, batch, load)
}

// ReserveFirst reserves load for batch in the lane as soon as it fits. Calls
// that wait proceed by priority, the highest first, and with the same priority
// in their order: while one waits, no other proceeds that comes after it. So
// calls of a low priority wait for as long as higher ones come. A reservation
// that the batch has in the lane already stays as it is. The error wraps
// [ErrTooLarge] for a load that never fits, [context.Cause], or an error of the
// Store.
func (c *Capacity) ReserveFirst(ctx context.Context, priority int, lane, batch string, load Load) error {
	if ok, err := c.has(ctx, lane, batch); ok || err != nil {
		return err // out of turn: others may wait for this very batch
	}
	w := c.enter(lane, priority)
	defer c.leave(lane, w)
	poll := time.NewTicker(c.cfg.Poll)
	defer poll.Stop()
	for {
		if c.isFirst(lane, w) {
			if ok, err := c.try(ctx, lane, batch, load); ok || err != nil {
				return err
			}
		}
		select {
		case <-w.wake:
		case <-poll.C:
		case <-ctx.Done():
			return capacityError(lane, context.Cause(ctx))
		}
	}
}

// TryReserve is Reserve for a caller that does not wait. False means that the
// load does not fit now, or that another call of this Capacity waits for the
// lane.
func (c *Capacity) TryReserve(ctx context.Context, lane, batch string, load Load) (ok bool, err error) {
	if !c.isWaitedFor(lane) {
		return c.try(ctx, lane, batch, load)
	}
	return c.has(ctx, lane, batch)
}

func (c *Capacity) has(ctx context.Context, lane, batch string) (ok bool, err error) {
	err = c.update(ctx, lane, func(held map[string]Load) (changed bool) { _, ok = held[batch]; return false })
	return ok, err
}

// try reserves if the load fits now.
func (c *Capacity) try(ctx context.Context, lane, batch string, load Load) (ok bool, err error) {
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

// Release gives back the reservation of batch in the lane, if there is one.
func (c *Capacity) Release(ctx context.Context, lane, batch string) error {
	err := c.update(ctx, lane, func(held map[string]Load) (changed bool) {
		_, changed = held[batch]
		delete(held, batch)
		return changed
	})
	if err != nil {
		return err
	}
	c.wake(lane)
	return nil
}

// Record reserves load for a batch that the provider has already, whether it
// fits or not. A reservation that the batch has stays as it is.
func (c *Capacity) Record(ctx context.Context, lane, batch string, load Load) error {
	if err := load.check(); err != nil {
		return capacityError(lane, err)
	}
	return c.update(ctx, lane, func(held map[string]Load) (changed bool) {
		if _, ok := held[batch]; ok {
			return false
		}
		held[batch] = load
		return true
	})
}

// SetLimit replaces the limit of a lane, for what is reserved from now on. A
// Reserve that waits goes by it at once. Each Capacity has limits of its own,
// also if they share a Store.
func (c *Capacity) SetLimit(lane string, limit Load) error {
	if err := limit.check(); err != nil {
		return capacityError(lane, err)
	}
	c.once.Do(c.init)
	c.mu.Lock()
	c.limits[lane] = limit
	c.mu.Unlock()
	c.wake(lane)
	return nil
}

// Held returns the reservation of each batch in the lane. The map belongs to
// the caller. After a crash it shows which reservations may have lost their
// owner.
func (c *Capacity) Held(ctx context.Context, lane string) (held map[string]Load, err error) {
	err = c.update(ctx, lane, func(h map[string]Load) (changed bool) { held = maps.Clone(h); return false })
	return held, err
}

func (c *Capacity) limit(lane string) Load {
	c.mu.Lock()
	limit, ok := c.limits[lane]
	c.mu.Unlock()
	if ok {
		return limit
	}
	if limit, ok = c.cfg.Limits[lane]; ok {
		return limit
	}
	return c.cfg.Fallback
}

func capacityError(lane string, err error) error {
	return fmt.Errorf("ratelimit: lane %s: %w", lane, err)
}
