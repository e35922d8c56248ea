package accumulator

import "context"

func isNeed(err error) bool { return err == errNeedBale || err == errNeedKey }

// await calls try until it no longer fails for want of a bale or a key, and
// waits for one in between. The caller has counted itself in a.waiting, under
// the same lock under which its own attempt failed: from then on nobody but
// the holder of the gate takes bales from a.free, so a bale that comes cannot
// be opened behind the back of the one who waits for it.
//
// One goroutine waits for a bale; the others wait for the gate and, once let in,
// mostly find that the first one has opened a batch with room for them. Bales
// are never put back to be fought for again.
func (a *Accumulator[T]) await(ctx context.Context, closing <-chan struct{}, try func(*bale[T]) error) error {
	defer a.leave()
	select {
	case a.gate <- struct{}{}:
		defer func() { <-a.gate }()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-closing:
		return ErrClosed
	case <-a.stopped:
		return a.refused()
	}
	var got *bale[T]
	for {
		var free <-chan *bale[T]
		var vacancy <-chan struct{}
		switch err := try(got); err {
		case errNeedBale:
			free = a.free
		case errNeedKey:
			vacancy = a.vacancy
		default:
			return err
		}
		got = nil
		select {
		case got = <-free:
		case <-vacancy:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-closing:
			return ErrClosed
		case <-a.stopped:
			return a.refused()
		}
	}
}

func (a *Accumulator[T]) leave() {
	a.mu.Lock()
	a.waiting--
	a.mu.Unlock()
}

func (a *Accumulator[T]) refused() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refusal
}

// lock takes the lock and lays by a bale to be opened next, if any.
func (a *Accumulator[T]) lock(b *bale[T]) {
	a.mu.Lock()
	if b != nil {
		a.spare = b
	}
}

// unlock ends a first attempt, counting the caller as waiting if it must wait.
func (a *Accumulator[T]) unlock(err error) {
	if isNeed(err) {
		a.waiting++
	}
	a.tidy()
	a.mu.Unlock()
}

// tidy brings up to date what depends on the open batches.
func (a *Accumulator[T]) tidy() {
	if a.plain && a.refusal == nil {
		a.quick = a.engine.open.one
	}
	if due, ok := a.engine.open.next(); ok {
		a.arm(due)
	}
}

// fresh supplies the engine with bales.
func (a *Accumulator[T]) fresh() *bale[T] {
	if b := a.spare; b != nil {
		a.spare = nil
		return b
	}
	if a.waiting == 0 {
		select {
		case b := <-a.free:
			return b
		default:
		}
	}
	if a.unborn == 0 {
		return nil
	}
	a.unborn--
	return new(bale[T])
}

// emit takes closed bales from the engine.
func (a *Accumulator[T]) emit(b *bale[T]) {
	if b == a.quick {
		a.quick = nil
	}
	b.epoch = a.epoch
	b.epoch.add()
	a.full <- b
	if a.stage.cfg.WaitForKey {
		select {
		case a.vacancy <- struct{}{}:
		default:
		}
	}
}
