package accumulator

import "time"

// engine decides which batch an item joins and which batches close. It is the
// core of both the stage and the Accumulator, which differ in where batches
// come from and go to. It is not safe for concurrent use.
type engine[T any] struct {
	stage  Stage[T]
	limits limits
	pool   *pool[T]
	meter  *meter
	open   openSet[T]
	spare  []*openBatch[T]     // closed, to be used again
	vacant func() bool         // reports whether a batch may be opened, or the item must wait
	emit   func(*slab[T])      // takes a closed batch; must not block
	opened func(*openBatch[T]) // prepares a batch for a Loader; nil without one
	born   time.Time           // when the items being placed arrived; zero means now

	joined any // the results of the batch that an item has joined last, with a Loader
	at     int // and its place in them

	changed   bool      // batches opened or closed; reset by the owner
	clockRead time.Time // what now returns; zero if it has not read the clock yet
	clockBase time.Time // when both clocks were read last
}

func newEngine[T any](s Stage[T], m *meter, keep int) engine[T] {
	l := s.cfg.limits()
	return engine[T]{
		stage:  s,
		limits: l,
		pool:   newPool[T](l, s.key != nil, keep),
		meter:  m,
		open:   openSet[T]{keyed: s.key != nil},
	}
}

// add puts v into the batch where it belongs. It returns what place does.
func (e *engine[T]) add(v *T, n itemMeta) error {
	e.begin()
	return e.place(v, n)
}

// place is a step of add or fill, closing and opening batches as needed. It
// returns errNeedBatch or errNeedKey if v must wait, errNeedLimits if the limits
// of its key must be asked for, and an *OverweightError if v is for the reject
// hook.
func (e *engine[T]) place(v *T, n itemMeta) error {
	b := e.open.get(n.key)
	if b != nil && !b.fits(n.weight) {
		if e.stage.reject != nil && n.weight > b.lim.weight {
			return &OverweightError{Key: n.key, Weight: n.weight, Max: b.lim.weight}
		}
		e.close(b, ReasonWeight)
		b = nil
	}
	if b == nil {
		var err error
		if b, err = e.start(n); err != nil {
			return err
		}
	}
	if e.opened != nil {
		e.joined, e.at = b.slab.results, len(b.items)
	}
	b.push(*v, n.weight)
	if b.lim.idle > 0 {
		b.last = time.Now()
	}
	if b.Full() {
		e.close(b, b.reason(b.opened)) // by size or weight, as no time has passed
	}
	return nil
}

// join puts v into the batch where it belongs, if that neither opens nor closes
// one. It does nothing that place would not do, but what is left is quick.
func (e *engine[T]) join(v *T, n itemMeta) bool {
	b := e.open.get(n.key)
	if b == nil || len(b.items)+1 >= b.lim.items || n.weight >= b.lim.weight-b.weight || b.lim.idle > 0 {
		return false
	}
	b.push(*v, n.weight)
	return true
}

// start opens the batch for an item.
func (e *engine[T]) start(n itemMeta) (*openBatch[T], error) {
	lim, err := e.limitsFor(n)
	if err != nil {
		return nil, err
	}
	if e.stage.reject != nil && n.weight > lim.weight {
		return nil, &OverweightError{Key: n.key, Weight: n.weight, Max: lim.weight}
	}
	crowded := e.stage.key != nil && e.open.count >= e.stage.cfg.MaxKeys
	if crowded && e.stage.cfg.WaitForKey {
		return nil, errNeedKey
	}
	if e.vacant == nil {
		return nil, errZero
	}
	if !e.vacant() {
		return nil, errNeedBatch
	}
	b := e.fresh()
	if crowded {
		e.close(e.open.oldest, ReasonEvict)
	}
	b.lim, b.pool, b.key = lim, e.pool, n.key
	opened := e.born
	if opened.IsZero() {
		opened = e.now()
	}
	b.begin(opened)
	if e.opened != nil {
		e.opened(b)
	}
	e.open.put(b)
	e.changed = true
	e.meter.openMore(1)
	return b, nil
}

// fresh returns an empty batch.
func (e *engine[T]) fresh() *openBatch[T] {
	last := len(e.spare) - 1
	if last < 0 {
		return new(openBatch[T])
	}
	b := e.spare[last]
	e.spare = e.spare[:last]
	return b
}

// close ends an open batch and delivers it.
func (e *engine[T]) close(b *openBatch[T], why Reason) {
	e.open.remove(b)
	e.changed = true
	e.meter.openMore(-1)
	e.seal(b, why)
}

// emitFull closes a batch that was never open: a slab full of items that have
// been waiting since born. They would overtake the items of an open batch.
func (e *engine[T]) emitFull(born time.Time, s *slab[T], items []T) error {
	if !e.vacant() {
		return errNeedBatch
	}
	b := e.fresh()
	b.slab, b.items, b.opened = s, items, born
	b.lim, b.pool = e.limits, e.pool
	e.seal(b, ReasonSize)
	return nil
}

// seal delivers a batch that is not, or no longer, among the open ones.
func (e *engine[T]) seal(b *openBatch[T], why Reason) {
	closed := e.now()
	e.meter.count(len(b.items), b.fullness(), closed.Sub(b.opened), why)
	e.spare = append(e.spare, b)
	e.emit(b.take(b.key, why, closed))
}

// begin starts a call: all that a call does happens at one moment, so that the
// clock is read once at most.
func (e *engine[T]) begin() { e.clockRead = time.Time{} }

func (e *engine[T]) now() time.Time {
	if e.clockRead.IsZero() {
		e.readClock()
	}
	return e.clockRead
}

// readClock reads the monotonic clock alone, which takes half of the time, and
// the wall clock once a second, as it may be set.
func (e *engine[T]) readClock() {
	if since := time.Since(e.clockBase); since < time.Second {
		e.clockRead = e.clockBase.Add(since)
		return
	}
	e.clockBase = time.Now()
	e.clockRead = e.clockBase
}

func (e *engine[T]) closeAll(why Reason) {
	e.begin()
	for e.open.oldest != nil {
		e.close(e.open.oldest, why)
	}
}

// expire closes what is due.
func (e *engine[T]) expire(now time.Time) {
	e.clockRead = now // and so it is for what closes
	for b := e.open.expired(now); b != nil; b = e.open.expired(now) {
		e.close(b, b.reason(now))
	}
}
