package accumulator

import "errors"

// Stage describes how items are batched. It is a value: the methods that refine
// it return a changed copy. One Stage may be used any number of times, at the
// same time too: [Stage.Run] makes it a stage of a pipeline, [Stage.Start] and
// [Stage.Open] a concurrent [Accumulator], [NewLoader] a [Loader]. For batching
// inside a loop of your own see [Buffer]. The zero Stage has no limits, and an
// error says so when it is used.
type Stage[T any] struct {
	cfg    Config
	key    func(T) string
	weigh  func(T) int
	reject func(T, error)
	meter  *meter
}

// New describes batches of any items within the limits of cfg. An invalid cfg
// is reported when the Stage is used.
//
// An item may itself be a group that must stay together and counts as one:
// New[[]Row](cfg).WeighBy(sizeOfRows).
func New[T any](cfg Config) Stage[T] {
	return Stage[T]{cfg: cfg, meter: &meter{shared: true}}
}

// By describes batches of items that have the same key, such as a tenant, a
// model or an address: there is one open batch per key, and the limits of cfg
// hold for each. Keys cost memory only while they have an open batch.
func By[T any](key func(T) string, cfg Config) Stage[T] {
	s := New[T](cfg)
	s.key = key
	return s
}

// WeighBy returns a Stage that sums weight over the items of a batch, for
// [Config.MaxWeight] and [Batch.Weight]. The unit is free: bytes, tokens,
// cents. A negative weight counts as zero. Without WeighBy all weights are
// zero.
func (s Stage[T]) WeighBy(weight func(T) int) Stage[T] {
	s.weigh = weight
	return s
}

// Reject returns a Stage that gives each item heavier than [Config.MaxWeight]
// to hook, with an [*OverweightError], instead of making a batch of it alone.
// The hook runs in the goroutine that added the item, so it may be called
// concurrently. No lock is held, so it may add items.
func (s Stage[T]) Reject(hook func(v T, err error)) Stage[T] {
	s.reject = hook
	return s
}

// String names the stage in errors and graphs.
func (s Stage[T]) String() string {
	if s.key != nil {
		return "accumulator by key"
	}
	return "accumulator"
}

// Stats returns figures about all Runs of this Stage and of its copies.
// It may be called at any time.
func (s Stage[T]) Stats() Stats {
	if s.meter == nil {
		return Stats{}
	}
	return s.meter.read()
}

func (s Stage[T]) validate() error {
	if s.meter == nil {
		return errors.New("accumulator: a zero Stage has no limits: make it with New or By")
	}
	if err := s.cfg.Validate(); err != nil {
		return err
	}
	if s.cfg.MaxWeight > 0 && s.weigh == nil {
		return errors.New("accumulator: Config.MaxWeight needs Stage.WeighBy: without it nothing has a weight")
	}
	return nil
}

// plain reports whether an item can join an open batch with nothing but a
// count: the case that the fast paths are for.
func (s Stage[T]) plain() bool {
	return s.key == nil && s.weigh == nil && s.cfg.MaxIdle == 0
}
