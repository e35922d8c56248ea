package accumulator

// overtakes is how many batches may be opened past those who wait.
const overtakes = 64

// fresh supplies the engine with bales, unless too many are pending.
func (a *Accumulator[T]) fresh() *bale[T] {
	if a.pending.Load() >= int64(a.stage.cfg.MaxPending) || a.mustQueue() {
		return nil
	}
	if b := a.free.get(); b != nil {
		return b
	}
	return newBale[T]()
}

// mustQueue reports whether the one with the lock must leave a bale to those
// who wait. A producer that runs may overtake them, as a rule: to stop it and wake
// another for every batch costs more than all the adding. But not for ever, and
// not while several run that add one by one: they are faster in turns than in a
// fight for the lock.
func (a *Accumulator[T]) mustQueue() bool {
	single := a.single
	a.single = false
	if a.holding || a.waiting.Load() == 0 {
		return false
	}
	a.overtaken++
	return single || a.overtaken > overtakes
}

// emit takes closed bales from the engine.
func (a *Accumulator[T]) emit(b *bale[T]) {
	if b == a.quick {
		a.quick = nil
	}
	b.epoch = a.epoch
	b.epoch.add()
	a.pending.Add(1)
	a.full <- b
	if a.stage.cfg.WaitForKey {
		a.notify()
	}
}

// recycle lets a delivered bale go round again.
func (a *Accumulator[T]) recycle(b *bale[T]) {
	a.free.put(&b.link)
	a.pending.Add(-1)
	if a.waiting.Load() > 0 {
		a.notify()
	}
}

// notify makes the holder of the gate try again, now or when it comes to wait.
func (a *Accumulator[T]) notify() {
	select {
	case a.news <- struct{}{}:
	default:
	}
}
