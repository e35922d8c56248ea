package flow

import (
	"context"
	"slices"
)

// Tee sends every item on both of its outputs. The slower reader holds up the
// faster one. Items are copied as by assignment: what they point to is shared.
func Tee[T any](p *Pipeline, in <-chan []T, opts ...StageOption) (a, b <-chan []T) {
	return split(p, "tee", in, opts, func(slice []T) (a, b []T) { return slice, slices.Clone(slice) })
}

// Partition sends an item on yes when belongs reports true for it, and on no
// otherwise. Both must be read: a reader that stops holds up the other.
func Partition[T any](p *Pipeline, in <-chan []T, belongs func(T) bool, opts ...StageOption) (yes, no <-chan []T) {
	return split(p, "partition", in, opts, func(slice []T) (yes, no []T) {
		yes = slice[:0]
		for _, item := range slice {
			if belongs(item) {
				yes = append(yes, item)
			} else {
				no = append(no, item)
			}
		}
		return yes, no
	})
}

func split[T any](p *Pipeline, name string, in <-chan []T, opts []StageOption, cut func([]T) (a, b []T)) (_, _ <-chan []T) {
	chA, outA := output[T](p)
	chB, outB := output[T](p)
	name = p.graph.add(name, opts, []any{in}, []any{outA, outB})
	in = inlet(p, in, false)
	p.stage(p.stages, name, func(ctx context.Context) error {
		defer close(chA)
		defer close(chB)
		for slice := range Slices(ctx, in) {
			a, b := cut(slice)
			if err := sendBoth(ctx, chA, chB, a, b); err != nil {
				return err
			}
		}
		return context.Cause(ctx)
	})
	return outA, outB
}

// sendBoth sends in the order in which the readers are ready.
func sendBoth[T any](ctx context.Context, chA, chB chan<- []T, a, b []T) error {
	if len(a) == 0 {
		chA = nil // never ready
	}
	if len(b) == 0 {
		chB = nil
	}
	for chA != nil || chB != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		select {
		case chA <- a:
			chA = nil
		case chB <- b:
			chB = nil
		case <-ctx.Done():
		}
	}
	return nil
}
