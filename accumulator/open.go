package accumulator

import (
	"math"
	"time"
)

// OpenBatch is how far a batch is that is still open.
type OpenBatch struct {
	Key           string // "" without keys
	Items, Weight int
	Opened        time.Time // when its first item came
	// The limits that hold for it. Zero means none.
	MaxItems, MaxWeight int
	MaxWait, MaxIdle    time.Duration
	Due                 time.Time // when it is closed by its age or for want of items, at the latest; zero: never
}

// OpenBatches returns the open batches, the oldest first, of many keys the
// oldest most only. Items that a [Producer] holds are in none yet. It takes the
// lock that Add takes, for some ten nanoseconds a batch: ask for as many as you
// show. Of a most below one it returns none.
func (a *Accumulator[T]) OpenBatches(most int) []OpenBatch {
	if a.engine.meter == nil || most < 1 {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]OpenBatch, 0, min(most, a.engine.open.count))
	for b := a.engine.open.oldest; b != nil && len(all) < most; b = b.newer {
		all = append(all, OpenBatch{
			Key: b.key, Items: len(b.items), Weight: b.weight, Opened: b.opened,
			MaxItems: bounded(b.lim.items), MaxWeight: bounded(b.lim.weight), MaxWait: b.lim.wait, MaxIdle: b.lim.idle, Due: b.due(),
		})
	}
	return all
}

// OpenBatches returns the open batches of l, as those of an [Accumulator].
func (l *Loader[In, Out]) OpenBatches(most int) []OpenBatch {
	if l.acc == nil {
		return nil
	}
	return l.acc.OpenBatches(most)
}

// bounded returns a limit, zero if there is none.
func bounded(limit int) int {
	if limit == math.MaxInt {
		return 0
	}
	return limit
}
