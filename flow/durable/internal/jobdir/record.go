package jobdir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
)

// Load reads the record, if there is one.
func Load[V any](ctx context.Context, store state.Store, r *Record[V]) error {
	rec, err := store.Get(ctx, r.Key)
	if errors.Is(err, state.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(rec.Value, &r.Value); err != nil {
		return fmt.Errorf("%w: record %q: %w", state.ErrDamaged, r.Key, err)
	}
	r.Rev = rec.Rev
	return nil
}

// Record is a small record with one writer, kept as JSON.
type Record[V any] struct {
	Key   []byte
	Rev   uint64
	Value V
}

// Put returns the op that stores the value.
func (r *Record[V]) Put(value V) (state.Op, error) {
	b, err := json.Marshal(value)
	if err != nil {
		return state.Op{}, fmt.Errorf("durable: encode: %w", err)
	}
	if len(b) > state.MaxValue {
		return state.Op{}, fmt.Errorf("durable: record of %d bytes: at most %d: is the name of the job, or its source's checkpoint, that long?", len(b), state.MaxValue)
	}
	r.Rev++
	r.Value = value
	return state.Put(r.Key, b, r.Rev), nil
}

// IntentOp returns the op that stores an intent.
func IntentOp(k Keys, in intent.Intent) (state.Op, error) {
	b, err := json.Marshal(in)
	if err != nil {
		return state.Op{}, fmt.Errorf("durable: encode intent: %w", err)
	}
	return state.Put(k.intent(in.Tag), b, in.Rev), nil
}
