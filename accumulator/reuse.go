package accumulator

// overtakes is how many batches may be opened before a waiting caller gets one.
const overtakes = 64

// fresh supplies the engine with batches, unless too many are pending.
func (a *Accumulator[T]) fresh() *openBatch[T] {
	if a.pending.Load() >= int64(a.stage.cfg.MaxPending) || a.mustQueue() {
		return nil
	}
	if b := a.free.get(); b != nil {
		return b
	}
	return newOpenBatch[T]()
}

// mustQueue reports whether the one with the lock must leave a batch to the
// waiting callers. A producer that runs may overtake them, as a rule: to stop
// it and wake another for every batch costs more than all the adding. But not
// for ever, and not while several run that add one by one: they are faster in
// turns than in a fight for the lock.
func (a *Accumulator[T]) mustQueue() bool {
	single := a.single
	a.single = false
	if a.holding || a.waiting.Load() == 0 {
		return false
	}
	a.overtaken++
	return single || a.overtaken > overtakes
}

// emit takes closed batches from the engine.
func (a *Accumulator[T]) emit(b *openBatch[T]) {
	if b == a.current {
		a.current = nil
	}
	b.epoch = a.epoch
	b.epoch.add()
	a.pending.Add(1)
	a.full <- b
	if a.stage.cfg.WaitForKey {
		a.wakeUp()
	}
}

// recycle puts a delivered batch on the free list.
func (a *Accumulator[T]) recycle(b *openBatch[T]) {
	a.free.put(&b.node)
	a.pending.Add(-1)
	if a.waiting.Load() > 0 {
		a.wakeUp()
	}
}

// wakeUp makes the holder of the gate try again, now or when it comes to wait.
func (a *Accumulator[T]) wakeUp() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}
