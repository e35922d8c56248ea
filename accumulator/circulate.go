package accumulator

// fresh supplies the engine with bales, unless too many are pending. Who comes
// while others wait must join them.
func (a *Accumulator[T]) fresh() *bale[T] {
	if a.pending.Load() >= int64(a.stage.cfg.MaxPending) || a.waiting > 0 && !a.holding {
		return nil
	}
	if last := len(a.spares) - 1; last >= 0 {
		b := a.spares[last]
		a.spares = a.spares[:last]
		return b
	}
	select {
	case b := <-a.free:
		return b
	default:
		return new(bale[T])
	}
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
		select {
		case a.vacancy <- struct{}{}:
		default:
		}
	}
}

// recycle lets a delivered bale go round again, which also wakes the one who
// waits for it. If there is no room for it, nobody waits.
func (a *Accumulator[T]) recycle(b *bale[T]) {
	a.pending.Add(-1)
	select {
	case a.free <- b:
	default:
	}
}
