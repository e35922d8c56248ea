package flow

import (
	"context"
	"fmt"
	"slices"
)

// recall returns the lane that an item was assigned to before, if it still exists and has not failed it.
func (r *routing[In, Out]) recall(ctx context.Context, fl *flight[In]) (lane int, known bool, err error) {
	if r.c.Assignments == nil || len(fl.tried) > 0 {
		return 0, false, nil
	}
	name, err := r.c.Assignments.Assigned(ctx, fl.key)
	if err != nil {
		return 0, false, fmt.Errorf("flow: read the lane of %q: %w", fl.key, err)
	}
	lane = slices.IndexFunc(r.lanes, func(l Lane[In, Out]) bool { return l.Name == name })
	return lane, lane >= 0, nil
}

func (r *routing[In, Out]) remember(ctx context.Context, key string, lane int) error {
	if r.c.Assignments == nil {
		return nil
	}
	if err := r.c.Assignments.Assign(ctx, key, r.lanes[lane].Name); err != nil {
		return fmt.Errorf("flow: record the lane of %q: %w", key, err)
	}
	return nil
}
