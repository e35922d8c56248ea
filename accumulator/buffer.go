package accumulator

import "time"

// Buffer is one open batch, for use inside a loop that already has its own
// timer and its own delivery: it starts no goroutine, reads no clock and takes
// no lock. It is not safe for concurrent use. All methods are O(1).
//
// Add refuses an item that does not fit, so the loop is
//
//	if !buf.Add(v, weight, now) {
//		flush(now)
//		buf.Add(v, weight, now) // an empty Buffer takes any item
//	}
//	if buf.Full() {
//		flush(now)
//	}
//
// where flush delivers what [Buffer.Flush] returns, and is also called whenever
// the time of [Buffer.Deadline] has come. Make a Buffer with [NewBuffer]: the
// zero value is empty for ever, and Add panics.
type Buffer[T any] struct {
	// What Add needs comes first: it fits into one cache line, which is all
	// that producers on several cores pass to each other besides the lock.
	items  []T // in the slab, with what was added
	lim    limits
	weight int
	slab   *slab[T] // nil while empty

	pool   *pool[T]
	over   bool // an item was refused
	opened time.Time
	last   time.Time // of the last item; kept only with an idle limit
}

// NewBuffer returns an empty Buffer, or the error of [Config.Validate]. Of
// cfg only MaxItems, MaxWeight, MaxWait and MaxIdle matter.
func NewBuffer[T any](cfg Config) (*Buffer[T], error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	l := cfg.limits()
	return &Buffer[T]{lim: l, pool: newPool[T](l, false, 1)}, nil
}

// Add puts v into the batch and reports true, or reports false if v does not
// fit and the batch must be flushed first. An empty Buffer takes any item,
// even one that is heavier than MaxWeight. A negative weight counts as zero.
func (b *Buffer[T]) Add(v T, weight int, now time.Time) bool {
	weight = max(weight, 0)
	switch {
	case len(b.items) == 0:
		b.begin(now)
	case !b.fits(weight):
		b.over = true
		return false
	}
	b.push(v, weight)
	b.last = now
	return true
}

// Len returns the number of items in the batch.
func (b *Buffer[T]) Len() int { return len(b.items) }

// Full reports whether MaxItems or MaxWeight is reached, so that the batch
// should be flushed now.
func (b *Buffer[T]) Full() bool {
	return len(b.items) >= b.lim.items || b.weight >= b.lim.weight
}

// Deadline returns when the batch is due by MaxWait or MaxIdle. It reports
// false if the Buffer is empty or neither is set.
func (b *Buffer[T]) Deadline() (time.Time, bool) {
	due := b.due()
	return due, len(b.items) > 0 && !due.IsZero()
}

// Flush empties the Buffer and returns what was in it, or reports false if
// it was empty. The reason of the batch is the limit that was reached, or else
// [ReasonFlush].
func (b *Buffer[T]) Flush(now time.Time) (Batch[T], bool) {
	if len(b.items) == 0 {
		return Batch[T]{}, false
	}
	return b.take("", b.reason(now), now).batch, true
}

func (b *Buffer[T]) begin(now time.Time) {
	if b.pool == nil {
		panic("accumulator: a zero Buffer has no limits: make it with NewBuffer")
	}
	b.hold(b.pool.get(), now)
	b.last = now
}

func (b *Buffer[T]) hold(s *slab[T], opened time.Time) {
	b.slab, b.items, b.opened = s, s.batch.Items[:0], opened
}

func (b *Buffer[T]) fits(weight int) bool {
	return len(b.items) < b.lim.items && weight <= b.lim.weight-b.weight
}

func (b *Buffer[T]) push(v T, weight int) {
	b.items = append(b.items, v)
	b.weight += weight
}

func (b *Buffer[T]) due() time.Time {
	var due time.Time
	if b.lim.wait > 0 {
		due = b.opened.Add(b.lim.wait)
	}
	if b.lim.idle > 0 {
		if idle := b.last.Add(b.lim.idle); due.IsZero() || idle.Before(due) {
			due = idle
		}
	}
	return due
}

// reason finds the limit that is reached at the time now.
func (b *Buffer[T]) reason(now time.Time) Reason {
	switch {
	case len(b.items) >= b.lim.items:
		return ReasonSize
	case b.over || b.weight >= b.lim.weight:
		return ReasonWeight
	case b.lim.wait > 0 && now.Sub(b.opened) >= b.lim.wait:
		return ReasonAge
	case b.lim.idle > 0 && now.Sub(b.last) >= b.lim.idle:
		return ReasonIdle
	default:
		return ReasonFlush
	}
}

// take turns the content into a batch, in its slab, and leaves the Buffer empty.
func (b *Buffer[T]) take(key string, why Reason, now time.Time) *slab[T] {
	s := b.slab
	b.pool.learn(len(b.items))
	s.batch = Batch[T]{
		Items: b.items, Key: key, Weight: b.weight, Reason: why,
		Opened: b.opened, Closed: now,
		slab: s, use: s.use,
	}
	b.slab, b.items, b.weight, b.over = nil, nil, 0, false
	return s
}
