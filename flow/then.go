package flow

import "context"

// Then makes one synchronous stage of two: to run them together in [Parallel]
// or as the route of a router, or to keep them together in a pipeline that is
// measured stage by stage. In any other pipeline, [Via] fuses functions by
// itself.
func Then[In, Mid, Out any](first Func[In, Mid], second Func[Mid, Out]) Func[In, Out] {
	return Func[In, Out]{
		name:    first.name + "+" + second.name,
		shrinks: first.shrinks && second.shrinks,
		bind: func() transform[In, Out] {
			one, two := first.bind(), second.bind()
			var scratch []Mid
			return func(ctx context.Context, made []Out, items []In) ([]Out, error) {
				between, ok := first.inPlace(items)
				if !ok {
					between = scratch[:0]
				}
				between, err := one(ctx, between, items)
				if err != nil {
					return made, err
				}
				made, err = two(ctx, made, between)
				if !ok {
					scratch = between
					clear(scratch) // it must not keep what its items point to
				}
				return made, err
			}
		},
	}
}
