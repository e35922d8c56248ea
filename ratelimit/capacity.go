package ratelimit

import (
	"context"
	"fmt"
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
	cfg  CapacityConfig
	once sync.Once

	mu     sync.Mutex
	lanes  map[string]*lane
	limits map[string]Load // that SetLimit has set
}

// lane is the state of a lane in this process.
type lane struct {
	turn     chan struct{} // holds one token: its owner may reserve next
	released chan struct{} // wakes the owner of the token
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
	if c.cfg.Store == nil {
		c.cfg.Store = &memory{records: make(map[string][]byte)}
	}
	c.lanes, c.limits = make(map[string]*lane), make(map[string]Load)
}

// Reserve reserves load for batch in the lane as soon as it fits. Callers
// proceed in the order of their calls. A reservation that the batch has in the
// lane already stays as it is. The error wraps [ErrTooLarge] for a load that
// never fits, [context.Cause], or an error of the Store.
func (c *Capacity) Reserve(ctx context.Context, lane, batch string, load Load) error {
	if held, err := c.Held(ctx, lane); err != nil {
		return err
	} else if _, ok := held[batch]; ok {
		return nil // without the token: its owner may wait for this very batch
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
		if ok, err := c.try(ctx, lane, batch, load); ok || err != nil {
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

// TryReserve is Reserve for a caller that does not wait. False means that the
// load does not fit now, or that another call of this Capacity is reserving or
// waits for the lane.
func (c *Capacity) TryReserve(ctx context.Context, lane, batch string, load Load) (ok bool, err error) {
	l := c.lane(lane)
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
		return c.try(ctx, lane, batch, load)
	default:
	}
	held, err := c.Held(ctx, lane)
	_, ok = held[batch]
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

// wake lets the owner of the lane's token try again.
func (c *Capacity) wake(lane string) {
	select {
	case c.lane(lane).released <- struct{}{}:
	default: // it tries again anyway
	}
}

// Held returns the reservation of each batch in the lane. The map belongs to
// the caller. After a crash it shows which reservations may have lost their
// owner.
func (c *Capacity) Held(ctx context.Context, lane string) (held map[string]Load, err error) {
	err = c.update(ctx, lane, func(h map[string]Load) (changed bool) { held = h; return false })
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

func (c *Capacity) lane(name string) *lane {
	c.once.Do(c.init)
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
