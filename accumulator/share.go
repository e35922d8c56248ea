package accumulator

import (
	"context"
	"errors"
)

// share is an item that several callers of DoShared wait for.
type share[Out any] struct {
	added   chan struct{} // closed when ticket and err are final
	ticket  ticket[Out]
	err     error // why the item was not added
	callers int
}

// over reports whether nobody can join any more.
func (s *share[Out]) over() bool {
	select {
	case <-s.added:
		return s.err != nil || s.ticket.in.isReady()
	default:
		return false
	}
}

// DoShared is Do for an item that others may ask for, too. From the first call
// with a key until its result is there, all calls with that key share the item
// of the first and its result. Nothing is remembered after that. The item of
// the others is dropped, so equal keys must mean equal items.
//
// If the caller that adds the item gives up before a batch has taken it,
// another one adds its own.
func (l *Loader[In, Out]) DoShared(ctx context.Context, key string, item In) (result Out, err error) {
	if l.acc == nil {
		return result, errZeroLoader
	}
	if ctx.Err() != nil {
		return result, context.Cause(ctx)
	}
	for {
		result, again, err := l.once(ctx, key, &item)
		if !again {
			return result, err
		}
	}
}

// once joins the share of a key and leaves it again, whatever happens.
func (l *Loader[In, Out]) once(ctx context.Context, key string, item *In) (result Out, again bool, err error) {
	s, first := l.join(key)
	defer l.leave(key, s)
	if first {
		l.addFor(ctx, s, item)
	}
	return l.share(ctx, s, first)
}

// errNotAdded is what the others hear if a function of the Config panics.
var errNotAdded = errors.New("accumulator: the item was not added")

// addFor adds the item of a share.
func (l *Loader[In, Out]) addFor(ctx context.Context, s *share[Out], item *In) {
	defer close(s.added)
	s.err = errNotAdded
	s.ticket, s.err = l.add(ctx, item)
}

// share waits for the result of a share. Again says that another caller was to
// add the item and did not.
func (l *Loader[In, Out]) share(ctx context.Context, s *share[Out], first bool) (result Out, again bool, err error) {
	select {
	case <-s.added:
	case <-ctx.Done():
		return result, false, context.Cause(ctx)
	}
	if s.err != nil {
		return result, !first, s.err
	}
	result, err = s.ticket.await(ctx)
	return result, false, err
}

// join returns the share of a key, and whether the caller must add the item.
func (l *Loader[In, Out]) join(key string) (s *share[Out], first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s = l.shared[key]
	if first = s == nil || s.over(); first {
		s = &share[Out]{added: make(chan struct{})}
		l.shared[key] = s
	}
	s.callers++
	return s, first
}

// leave forgets a share that nobody waits for.
func (l *Loader[In, Out]) leave(key string, s *share[Out]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.callers--; s.callers == 0 && l.shared[key] == s {
		delete(l.shared, key)
	}
}
