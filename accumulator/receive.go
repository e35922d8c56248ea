package accumulator

import (
	"context"
	"time"
)

// receive waits for the next slice or the next deadline, whichever is first.
func (r *run[T]) receive(in <-chan []T) (vs []T, ok bool, err error) {
	// To receive alone costs half of what it costs in a choice. Now and then
	// the choice is made all the same, or a busy input would hide the
	// deadlines.
	if r.burst++; r.burst%maxBurst != 0 {
		select {
		case vs, ok = <-in:
			return vs, ok, nil
		default:
		}
	} else {
		select {
		case <-r.timer.C:
			r.expire()
			return nil, true, nil
		case <-r.ctx.Done():
			return nil, false, context.Cause(r.ctx)
		default:
		}
	}
	select {
	case vs, ok = <-in:
		return vs, ok, nil
	case <-r.timer.C:
		r.expire()
		return nil, true, nil
	case <-r.ctx.Done():
		return nil, false, context.Cause(r.ctx)
	}
}

// maxBurst is how many slices are received before the deadlines are checked.
const maxBurst = 16

// waitForKey waits until a batch is due. Until then nothing is received.
func (r *run[T]) waitForKey() error {
	if err := r.send(); err != nil {
		return err
	}
	r.arm()
	select {
	case <-r.timer.C:
		r.expire()
		return nil
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
}

func (r *run[T]) expire() {
	r.armed = time.Time{}
	r.engine.expire(time.Now())
}
