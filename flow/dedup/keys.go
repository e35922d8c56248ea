package dedup

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// The states of a key. A key that the store does not know has the state "".
const (
	StateQueued  = "queued"  // an item with this key has come in
	StateClaimed = "claimed" // somebody works on it
	StateDone    = "done"    // the work is finished: never again
)

// States is a store of states that survives the program, such as a table or a
// key-value store.
type States interface {
	// Swap gives each of keys, which are distinct, the state next if its state
	// is old, and returns the states that they had before. It is called by
	// several goroutines at once.
	Swap(ctx context.Context, keys []string, old, next string) (were []string, err error)
}

// MemoryStates is a [States] for one run of a program. The zero value is ready
// to use.
type MemoryStates struct {
	mu     sync.Mutex
	states map[string]string
}

// Swap implements States.
func (m *MemoryStates) Swap(_ context.Context, keys []string, old, next string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.states == nil {
		m.states = map[string]string{}
	}
	were := make([]string, len(keys))
	for i, key := range keys {
		if were[i] = m.states[key]; were[i] == old {
			m.states[key] = next
		}
	}
	return were, nil
}

// StateError is a key in another state than a stage needs: two stages, or two
// programs, work on the same key.
type StateError struct{ Key, State, Want string }

func (e *StateError) Error() string {
	return fmt.Sprintf("dedup: key %q is in state %q, want %q", e.Key, e.State, e.Want)
}

// Keys connects the stages that take a key through its states: [New], [Claim],
// [Settle] and [Release]. It knows which keys are on their way in this run, and
// a [States] knows what earlier runs have done. It is safe for concurrent use.
// The zero Keys has a [MemoryStates]; [NewKeys] takes another store.
type Keys struct {
	mu    sync.Mutex
	store States // nil until the first use of a zero Keys
	onWay map[string]struct{}

	passed, duplicates atomic.Int64
}

// KeyStats is what the stages of a [Keys] have done so far.
type KeyStats struct {
	Passed     int64 // items that [New] passed on
	Duplicates int64 // items that it did not
	OnWay      int   // keys that are on their way now
}

// Stats returns what the stages have done. It may be called at any time.
func (k *Keys) Stats() KeyStats {
	k.mu.Lock()
	defer k.mu.Unlock()
	return KeyStats{Passed: k.passed.Load(), Duplicates: k.duplicates.Load(), OnWay: len(k.onWay)}
}

// NewKeys makes the Keys of one run on store. No two runs may use the same
// store at the same time.
func NewKeys(store States) *Keys {
	return &Keys{store: store, onWay: map[string]struct{}{}}
}

// enter notes that key is on its way, and reports whether it was not before.
func (k *Keys) enter(key string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, there := k.onWay[key]; there {
		return false
	}
	if k.onWay == nil {
		k.onWay = map[string]struct{}{}
	}
	k.onWay[key] = struct{}{}
	return true
}

func (k *Keys) leave(keys ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range keys {
		delete(k.onWay, key)
	}
}

// states returns the store.
func (k *Keys) states() States {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.store == nil {
		k.store = new(MemoryStates)
	}
	return k.store
}

// move takes keys from one state to another. All must be in the first.
func (k *Keys) move(ctx context.Context, keys []string, from, to string) error {
	were, err := k.swap(ctx, keys, from, to)
	if err != nil {
		return err
	}
	for i, was := range were {
		if was != from {
			return &StateError{Key: keys[i], State: was, Want: from}
		}
	}
	return nil
}

func (k *Keys) swap(ctx context.Context, keys []string, from, to string) ([]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	were, err := k.states().Swap(ctx, keys, from, to)
	if err != nil {
		return nil, fmt.Errorf("dedup: %d keys from %q to %q: %w", len(keys), from, to, err)
	}
	return were, nil
}
