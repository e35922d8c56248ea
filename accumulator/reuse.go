package accumulator

// overtakes is how many batches may be opened before a waiting caller gets one.
const overtakes = 64

// vacant reports whether the engine may open a batch.
func (a *Accumulator[T]) vacant() bool {
	if a.crowded {
		a.crowded = a.closed.pending() >= a.stage.cfg.MaxPending
	}
	return !a.crowded && !a.mustQueue()
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
func (a *Accumulator[T]) emit(s *slab[T]) {
	a.current = nil
	a.crowded = a.closed.push(s) >= a.stage.cfg.MaxPending
	if a.stage.cfg.WaitForKey {
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
