package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// PaceConfig says how [PaceBy] paces. Only Limits is required.
type PaceConfig[T any] struct {
	// Limits returns the limits of a key. It is called when the key comes for
	// the first time, and again when it comes after it was forgotten. It must
	// not limit Slots, which the stage cannot free. A wrong Config is an error
	// of Run. Required.
	Limits func(key string) Config
	// Cost returns what a value takes of the limits of its key. It must return
	// the same each time. Nil means one request.
	Cost func(T) Cost
	// MaxQueued is how many values of one key may wait. Zero means 1024.
	MaxQueued int
	// MaxKeys is how many keys may be known at a time: those with values that
	// wait, and those whose limits are not untouched again. After a Penalize
	// that takes ten Windows of the key or more, and some 5 KB. Zero means
	// 65536.
	MaxKeys int
	// Overflow takes a value for which there is no room, with a [*FullError].
	// It is called in the goroutine of the stage, so it must be quick. Nil
	// means that such a value waits, and all that come after it, whatever their
	// key.
	Overflow func(value T, err error)
}

// PaceStats is what a stage of [PaceBy] has done so far, and holds now.
type PaceStats struct {
	Passed     int64 // values
	Overflowed int64 // values
	Rejected   int64 // calls that Penalize was told of
	Keys       int   // that are known now
	Queued     int   // values that wait now
	Penalized  int   // keys that a Penalize holds back now
}

// KeyStage lets the values of each key pass as fast as the limits of the key
// allow. Make it with [PaceBy].
type KeyStage[T any] struct {
	key func(T) string
	c   PaceConfig[T]

	passed, overflowed, rejected, keys, queued, penalized atomic.Int64

	mu   sync.Mutex
	runs map[*keyRun[T]]struct{} // that are under way
}

// PaceBy returns a stage that keeps the values of each key under limits of
// their own, such as the requests a minute of a tenant. A value that must wait
// does so in a queue of its key and lets the others pass. Values of one key
// keep their order. What passes is sent as soon as the next stage takes it, and
// counts when it is. [KeyStage.Penalize] holds back a key whose calls the
// provider rejects.
//
// The queues are bounded: see [PaceConfig.MaxQueued] and Overflow. A key is
// forgotten when that changes nothing: when no value of it waits, and its
// limits are as if it had never come, nor been penalized.
func PaceBy[T any](key func(T) string, c PaceConfig[T]) *KeyStage[T] {
	return &KeyStage[T]{key: key, c: c}
}

// String names the stage in errors and graphs.
func (s *KeyStage[T]) String() string { return "ratelimit by key" }

// Stats returns figures about all Runs of the stage. It may be called at any
// time.
func (s *KeyStage[T]) Stats() PaceStats {
	return PaceStats{
		Passed: s.passed.Load(), Overflowed: s.overflowed.Load(),
		Rejected: s.rejected.Load(),
		Keys:     int(s.keys.Load()), Queued: int(s.queued.Load()), Penalized: int(s.penalized.Load()),
	}
}

// Run forwards in to out until in is closed and nothing waits, or ctx is done,
// as a stage of a pipeline does. Run owns the slices that it receives. It
// returns [context.Cause] of a ctx that has ended.
func (s *KeyStage[T]) Run(ctx context.Context, in <-chan []T, out chan<- []T) error {
	if err := s.check(); err != nil {
		return err
	}
	r := newKeyRun(s)
	s.enter(r)
	defer r.end()
	return r.loop(ctx, in, out)
}

func (s *KeyStage[T]) check() error {
	switch {
	case s.key == nil || s.c.Limits == nil:
		return errors.New("ratelimit: a stage by key without a key or PaceConfig.Limits: make it with PaceBy")
	case s.c.MaxQueued < 0:
		return fmt.Errorf("ratelimit: PaceConfig.MaxQueued is %d: must not be negative", s.c.MaxQueued)
	case s.c.MaxKeys < 0:
		return fmt.Errorf("ratelimit: PaceConfig.MaxKeys is %d: must not be negative", s.c.MaxKeys)
	}
	return nil
}

// FullError tells [PaceConfig.Overflow] why there is no room for a value.
type FullError struct {
	Key    string
	Queued int // values of the key that wait; 0 if there are too many keys
}

// Error implements error.
func (e *FullError) Error() string {
	if e.Queued == 0 {
		return fmt.Sprintf("ratelimit: no room for key %q: PaceConfig.MaxKeys are known", e.Key)
	}
	return fmt.Sprintf("ratelimit: %d values of key %q wait already, which is PaceConfig.MaxQueued", e.Queued, e.Key)
}
