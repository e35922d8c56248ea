package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"

	"github.com/balerhq/baler/flow/state"
)

// lane is what all rows of a batch have in common.
type lane struct {
	Endpoint string `json:"endpoint"`
	Model    string `json:"model"`
}

// lanes numbers the lanes of a job, since every record that names one should
// be small.
type lanes struct {
	store state.Store
	keys  keys

	mu      sync.Mutex
	byIndex []lane
	index   map[lane]uint16
}

// laneKey is what rows are accumulated by.
func (e entry) laneKey() string { return strconv.Itoa(int(e.lane)) }

func loadLanes(ctx context.Context, store state.Store, k keys) (*lanes, error) {
	l := &lanes{store: store, keys: k, index: make(map[lane]uint16)}
	for rec, err := range store.Scan(ctx, k.make('l'), nil) {
		if err != nil {
			return nil, err
		}
		var v lane
		if err := json.Unmarshal(rec.Value, &v); err != nil {
			return nil, fmt.Errorf("%w: lane: %w", state.ErrDamaged, err)
		}
		l.add(v)
	}
	return l, nil
}

func (l *lanes) add(v lane) {
	l.index[v] = uint16(len(l.byIndex)) //nolint:gosec // bounded by number
	l.byIndex = append(l.byIndex, v)
}

// number returns the lane's number, after storing a new one.
func (l *lanes) number(ctx context.Context, v lane) (uint16, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, ok := l.index[v]; ok {
		return n, nil
	}
	if len(l.byIndex) > math.MaxUint16 {
		return 0, errors.New("durable: more than 65,536 pairs of endpoint and model")
	}
	b, err := json.Marshal(v)
	if err != nil {
		return 0, fmt.Errorf("durable: encode lane: %w", err)
	}
	n := uint16(len(l.byIndex)) //nolint:gosec // checked above
	if err := l.store.Commit(ctx, state.Put(l.keys.lane(n), b, 1)); err != nil {
		return 0, err
	}
	l.add(v)
	return n, nil
}

func (l *lanes) get(n int) lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byIndex[n]
}
