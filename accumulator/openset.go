package accumulator

import "time"

// openSet holds the open batches: by key, in the order of opening, and by
// deadline. Only keys with an open batch are in it, so that its size does not
// depend on how many keys were ever seen.
type openSet[T any] struct {
	keyed bool
	byKey map[string]*openBatch[T]
	one   *openBatch[T] // without keys

	oldest, newest *openBatch[T]
	count          int
	deadlines      deadlines[T]
}

func (o *openSet[T]) get(key string) *openBatch[T] {
	if !o.keyed {
		return o.one
	}
	return o.byKey[key]
}

func (o *openSet[T]) put(b *openBatch[T]) {
	if o.keyed {
		if o.byKey == nil {
			o.byKey = make(map[string]*openBatch[T])
		}
		o.byKey[b.key] = b
	} else {
		o.one = b
	}
	b.older, b.newer = o.newest, nil
	if b.older != nil {
		b.older.newer = b
	} else {
		o.oldest = b
	}
	o.newest = b
	o.count++
	o.deadlines.push(b)
}

func (o *openSet[T]) remove(b *openBatch[T]) {
	if o.keyed {
		delete(o.byKey, b.key)
	} else {
		o.one = nil
	}
	if b.older != nil {
		b.older.newer = b.newer
	} else {
		o.oldest = b.newer
	}
	if b.newer != nil {
		b.newer.older = b.older
	} else {
		o.newest = b.older
	}
	b.older, b.newer = nil, nil
	o.count--
	o.deadlines.remove(b)
}

// expired returns a batch whose deadline has passed, or nil.
func (o *openSet[T]) expired(now time.Time) *openBatch[T] {
	for {
		b := o.deadlines.first()
		if b == nil || b.deadline.After(now) {
			return nil
		}
		due := b.due()
		if !due.After(now) {
			return b
		}
		o.deadlines.postpone(b, due) // items joined it since: it is not idle yet
	}
}

// next returns when expired should be asked again.
func (o *openSet[T]) next() (time.Time, bool) {
	b := o.deadlines.first()
	if b == nil {
		return time.Time{}, false
	}
	return b.deadline, true
}
