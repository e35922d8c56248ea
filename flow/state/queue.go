package state

import (
	"context"
	"fmt"
	"sync"
)

// Queue keeps the durable queues of package queue in a Store: it is a
// queue.Store. One serves queues of any names.
//
// An item is a record of its JSON and 33 bytes with the queue's name. An
// acknowledged one stays as a tombstone: the same without the JSON, at a higher
// revision. That is what a queue grows by for ever: 36 bytes an item on
// Badger's disk, whose tables share the beginnings of keys. It costs no time,
// since a queue remembers the head of each level and does not scan what lies
// before.
//
// A Push of an item whose JSON exceeds MaxValue-1 bytes is ErrTooLarge: put a
// reference into the queue.
//
// It is safe for concurrent use. Make it with NewQueue.
type Queue struct {
	store Store

	mu  sync.Mutex
	rev uint64 // of the last commit; 0 before the first
}

// NewQueue returns the queues in store. It reads and writes nothing yet.
func NewQueue(store Store) *Queue { return &Queue{store: store} }

// A value begins with live, so that none but a tombstone is empty.
const live = 1

// Commit makes all changes or none: it sets keys to values, and a nil value
// marks its key as done. The slices are the caller's again when it returns.
func (q *Queue) Commit(ctx context.Context, keys, values [][]byte) error {
	rev, err := q.next(ctx)
	if err != nil {
		return err
	}
	ops := make([]Op, len(keys))
	for i, value := range values {
		if value != nil {
			value = append([]byte{live}, value...)
		}
		ops[i] = Put(queueKey(keys[i]), value, rev)
	}
	return q.store.Commit(ctx, ops...)
}

// Scan yields what is not done and begins with prefix, in key order, from the
// key from on. The slices hold during the call.
func (q *Queue) Scan(ctx context.Context, prefix, from []byte, yield func(key, value []byte) bool) error {
	for r, err := range q.store.Scan(ctx, queueKey(prefix), queueKey(from)) {
		if err != nil {
			return err
		}
		if len(r.Value) > 0 && !yield(r.Key[1:], r.Value[1:]) {
			return nil
		}
	}
	return nil
}

func queueKey(key []byte) []byte { return append([]byte{queueKind}, key...) }

// next is a revision above all that this and any earlier Queue wrote, without
// reading the records: a generation and a count within it.
func (q *Queue) next(ctx context.Context) (uint64, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.rev == 0 {
		generation, err := q.begin(ctx)
		if err != nil {
			return 0, err
		}
		q.rev = generation << 40
	}
	q.rev++
	return q.rev, nil
}

// begin takes the next generation.
func (q *Queue) begin(ctx context.Context) (generation uint64, err error) {
	err = compareAndSwap(ctx, q.store, func() ([]Op, error) {
		r, err := lookup(ctx, q.store, []byte{generationKind})
		if err != nil {
			return nil, err
		}
		generation = r.Rev + 1
		return []Op{Replace([]byte{generationKind}, nil, r.Rev)}, nil
	})
	if err != nil {
		return 0, fmt.Errorf("state: begin a generation of queues: %w", err)
	}
	return generation, nil
}
