package ratelimit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// Store keeps a small record per lane. Update must be atomic among all that
// share the store.
type Store interface {
	// Update replaces the record under key by the result of change. old is nil
	// if there is no record. If change fails, Update writes nothing and returns
	// the error, possibly wrapped. Update may call change more than once.
	Update(ctx context.Context, key string, change func(old []byte) ([]byte, error)) error
}

// errUnchanged keeps a Store from writing an unchanged record.
var errUnchanged = errors.New("unchanged")

// update lets change read and edit the reservations of the lane, atomically. It
// writes only if change reports a change. Change must not keep the map.
func (c *Capacity) update(ctx context.Context, lane string, change func(held map[string]Load) (changed bool)) error {
	c.once.Do(c.init)
	if c.cfg.Store == nil {
		c.memory.update(lane, change)
		return nil
	}
	err := c.cfg.Store.Update(ctx, lane, func(old []byte) ([]byte, error) {
		held, err := parseHeld(old)
		if err != nil {
			return nil, fmt.Errorf("damaged record: %w", err)
		}
		if !change(held) {
			return nil, errUnchanged
		}
		return json.Marshal(held)
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return capacityError(lane, err)
	}
	return nil
}

// parseHeld decodes the record of a lane. It never returns a nil map without an
// error.
func parseHeld(record []byte) (map[string]Load, error) {
	held := make(map[string]Load)
	if len(record) == 0 {
		return held, nil
	}
	if err := json.Unmarshal(record, &held); err != nil {
		return nil, err
	}
	if held == nil {
		return nil, errors.New("null")
	}
	for batch, load := range held {
		if err := load.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", batch, err)
		}
	}
	return held, nil
}

func total(held map[string]Load) (sum Load) {
	for _, load := range held {
		sum = sum.plus(load)
	}
	return sum
}

// memory has the reservations of a Capacity without a Store.
type memory struct {
	mu    sync.Mutex
	lanes map[string]map[string]Load
}

func (m *memory) update(lane string, change func(held map[string]Load) (changed bool)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	held := m.lanes[lane]
	if held == nil {
		held = make(map[string]Load)
	}
	if !change(held) {
		return
	}
	if m.lanes == nil {
		m.lanes = make(map[string]map[string]Load)
	}
	m.lanes[lane] = held
}
