package accumulator

import (
	"context"
	"errors"
	"slices"
)

// chunk is how many items are added under one lock when there is a choice.
const chunk = 32

// AddMany does the same as Add for each of vs in turn, but takes the lock once
// for many of them: for slices of 32 it costs about half. The items are copied.
// It returns how many were taken, which is less than len(vs) only if the error
// is not nil.
func (a *Accumulator[T]) AddMany(ctx context.Context, vs []T) (taken int, err error) {
	if !a.plain {
		return a.addInChunks(ctx, vs)
	}
	a.mu.Lock()
	if b := a.current; b != nil && len(vs) < b.lim.items-len(b.items) {
		b.items = append(b.items, vs...)
		a.mu.Unlock()
		return len(vs), nil
	}
	return a.addManyLocked(ctx, metaItems[T]{items: vs})
}

func (a *Accumulator[T]) addInChunks(ctx context.Context, vs []T) (taken int, err error) {
	var metas [chunk]itemMeta
	for taken < len(vs) && err == nil {
		part := a.stage.annotate(vs[taken:], &metas)
		a.mu.Lock()
		var n int
		n, err = a.addManyLocked(ctx, part)
		taken += n
	}
	return taken, err
}

// addLocked is Add without the fast path. It begins with the lock and ends
// without it.
func (a *Accumulator[T]) addLocked(ctx context.Context, v T, n itemMeta) error {
	a.single = true
	if a.refusal == nil && a.engine.join(&v, n) {
		a.mu.Unlock()
		return nil
	}
	err := a.refusal
	if err == nil {
		err = a.engine.add(&v, n)
	}
	a.unlock(err)
	if err == nil {
		return nil
	}
	_, err = a.settle(ctx, metaItems[T]{[]T{v}, []itemMeta{n}}, err)
	return err
}

// addManyLocked begins with the lock and ends without it.
func (a *Accumulator[T]) addManyLocked(ctx context.Context, l metaItems[T]) (int, error) {
	n, err := 0, a.refusal
	if err == nil {
		n, err = a.engine.fill(l)
	}
	a.unlock(err)
	if err == nil {
		return n, nil
	}
	l.skip(n)
	l.metas = slices.Clone(l.metas) // so that those of AddMany stay on its stack
	m, err := a.settle(ctx, l, err)
	return n + m, err
}

// settle goes on with a load after err has stopped it.
func (a *Accumulator[T]) settle(ctx context.Context, l metaItems[T], err error) (taken int, _ error) {
	attempt := func() error {
		if a.refusal != nil {
			return a.refusal
		}
		n, err := a.engine.fill(l)
		l.skip(n)
		taken += n
		return err
	}
	again := func() error {
		a.mu.Lock()
		err := attempt()
		a.unlock(err)
		return err
	}
	for {
		if isNeed(err) {
			err = a.await(ctx, a.refusing, attempt)
		} else if errors.Is(err, errNeedLimits) {
			if err = a.stage.askLimits(&l.metas[0]); err == nil {
				err = again()
			}
		} else if heavy, ok := errors.AsType[*OverweightError](err); ok {
			a.stage.reject(l.items[0], heavy)
			l.skip(1)
			if taken++; len(l.items) == 0 {
				return taken, nil
			}
			err = again()
		} else {
			return taken, err
		}
	}
}
