package flow

import (
	"context"
	"slices"

	"github.com/balerhq/baler/internal/mailbox"
)

// step is one run of a Func: it pushes what the Func makes of the slices that
// are pushed to it.
type step[In, Out any] struct {
	Func[In, Out]
	do   transform[In, Out]
	next push[Out]
	pace pace
	room []Out // for results that cannot have the place of their items
}

func (s *step[In, Out]) push(ctx context.Context, items []In) (spare []In, err error) {
	if made, ok := s.inPlace(items); ok {
		return s.overwrite(ctx, made, items)
	}
	made := slices.Grow(s.room, len(items))
	for rest := items; len(rest) > 0; {
		if made, rest, err = s.some(ctx, made, rest); err != nil {
			return nil, err
		}
		if made, err = s.next(ctx, made); err != nil {
			return nil, err
		}
		made = mailbox.Vacate(made)
	}
	s.room = made
	return items, nil
}

// overwrite is push when the results have the place of their items. Then a part
// that is sent before the others cannot come back: only memory that goes as a
// whole does.
func (s *step[In, Out]) overwrite(ctx context.Context, made []Out, items []In) (spare []In, err error) {
	rest := items
	if made, rest, err = s.some(ctx, made, rest); err != nil {
		return nil, err
	}
	if len(rest) == 0 {
		made, err = s.next(ctx, made)
		spare, _ = any(made).([]In)
		return spare, err
	}
	for {
		n := len(made)
		if _, err = s.next(ctx, made[:n:n]); err != nil || len(rest) == 0 {
			return nil, err
		}
		if made, rest, err = s.some(ctx, made[n:], rest); err != nil {
			return nil, err
		}
	}
}

// some handles items until there are results that should go on: when the
// function is slow, or they are many, or at the end.
func (s *step[In, Out]) some(ctx context.Context, made []Out, items []In) (_ []Out, rest []In, err error) {
	for s.pace.begin(); len(items) > 0; {
		if ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		n := s.pace.next(len(items))
		if made, err = s.do(ctx, made, items[:n]); err != nil {
			return nil, nil, err
		}
		items = items[n:]
		if slow := s.pace.done(n); slow || len(made) >= mailbox.MaxSlice {
			break
		}
	}
	return made, items, nil
}
