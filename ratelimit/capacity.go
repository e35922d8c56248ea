package ratelimit

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// CapacityConfig tells what each lane holds. Its zero value limits nothing.
type CapacityConfig struct {
	// Limits are the lanes' limits by name, such as "openai/gpt-5.4-mini". A
	// zero field of a Load does not limit.
	Limits map[string]Load
	// Fallback is the limit of each lane that Limits does not name.
	Fallback Load
	// Store is shared by all runs on the same account. Zero means memory, for
	// a run that is alone and does not survive its process.
	Store Store
	// Poll is how often a Reserve that waits looks at the Store for what other
	// runs have released; what this Capacity releases it sees at once. Zero
	// means 10 s.
	Poll time.Duration
}

// Store keeps a small record per lane. Update must be atomic among all that share
// the store.
type Store interface {
	// Update replaces the record under key, nil if there is none, by what
	// change returns. If change fails, nothing is written and its error is
	// returned, possibly wrapped. It may call change more than once.
	Update(ctx context.Context, key string, change func(old []byte) ([]byte, error)) error
}

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
	for name, limit := range c.Limits {
		if err := limit.check(); err != nil {
			return nil, fmt.Errorf("ratelimit: CapacityConfig.Limits[%q]: %w", name, err)
		}
	}
	if err := c.Fallback.check(); err != nil {
		return nil, fmt.Errorf("ratelimit: CapacityConfig.Fallback: %w", err)
	}
	if c.Poll < 0 {
		return nil, fmt.Errorf("ratelimit: CapacityConfig.Poll is %s: must not be negative", c.Poll)
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
	err = c.update(ctx, lane, func(held map[string]Load) {
		_, ok = held[batch]
		if !ok && total(held).plus(load).fits(limit) {
			held[batch] = load
			ok = true
		}
	})
	return ok && err == nil, err
}

// Release gives back what batch holds in the lane, if anything.
func (c *Capacity) Release(ctx context.Context, lane, batch string) error {
	if err := c.update(ctx, lane, func(held map[string]Load) { delete(held, batch) }); err != nil {
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
	err = c.update(ctx, lane, func(h map[string]Load) { held = h })
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

// update has change edit the lane's reservations, atomically.
func (c *Capacity) update(ctx context.Context, lane string, change func(held map[string]Load)) error {
	err := c.cfg.Store.Update(ctx, lane, func(old []byte) ([]byte, error) {
		held := make(map[string]Load)
		if len(old) > 0 {
			if err := json.Unmarshal(old, &held); err != nil {
				return nil, fmt.Errorf("damaged record: %w", err)
			}
		}
		change(held)
		return json.Marshal(held)
	})
	if err != nil {
		return capacityError(lane, err)
	}
	return nil
}

func total(held map[string]Load) (sum Load) {
	for _, load := range held {
		sum = sum.plus(load)
	}
	return sum
}

func capacityError(lane string, err error) error {
	return fmt.Errorf("ratelimit: lane %s: %w", lane, err)
}

// memory is the Store of a run that is alone.
type memory struct {
	mu      sync.Mutex
	records map[string][]byte
}

func (m *memory) Update(_ context.Context, key string, change func(old []byte) ([]byte, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	record, err := change(m.records[key])
	if err == nil {
		m.records[key] = record
	}
	return err
}
