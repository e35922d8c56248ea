package flow

import (
	"context"
	"fmt"
)

// Assignments keeps the lane of every item over a restart, so that work that was bought is not bought elsewhere again.
type Assignments interface {
	// Assigned returns the lane that each of keys was assigned to, or an empty string.
	Assigned(ctx context.Context, keys []string) (lanes []string, err error)
	// Assign records the lane of each of keys, which are distinct, before any of the items goes there. They are the items
	// of one slice, at most 128, or all that waited for a lane: a store that waits for the disk should do so once.
	Assign(ctx context.Context, keys, lanes []string) error
}

// recall looks up where items that no lane has failed were sent before.
func (r *routing[In, Out]) recall(ctx context.Context, fls []*flight[In]) error {
	if r.c.Assignments == nil {
		return nil
	}
	keys, untried := make([]string, 0, len(fls)), make([]*flight[In], 0, len(fls))
	for _, fl := range fls {
		if len(fl.tried) == 0 {
			keys, untried = append(keys, fl.key), append(untried, fl)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	lanes, err := r.c.Assignments.Assigned(ctx, keys)
	if err != nil {
		return fmt.Errorf("flow: read the lanes of %d items: %w", len(keys), err)
	}
	for i, fl := range untried {
		fl.home = lanes[i]
	}
	return nil
}

// ledger is what one round of assignments has to record.
type ledger struct {
	keys, lanes []string
	at          map[string]int // by key
}

// lane returns where an item with the same key goes in this round.
func (l *ledger) lane(key string) string {
	if i, ok := l.at[key]; ok {
		return l.lanes[i]
	}
	return ""
}

func (l *ledger) enter(key, lane string) {
	if i, ok := l.at[key]; ok {
		l.lanes[i] = lane
		return
	}
	if l.at == nil {
		l.at = map[string]int{}
	}
	l.at[key] = len(l.keys)
	l.keys, l.lanes = append(l.keys, key), append(l.lanes, lane)
}

func (r *routing[In, Out]) remember(ctx context.Context, l ledger) error {
	if r.c.Assignments == nil || len(l.keys) == 0 {
		return nil
	}
	if err := r.c.Assignments.Assign(ctx, l.keys, l.lanes); err != nil {
		return fmt.Errorf("flow: record the lanes of %d items: %w", len(l.keys), err)
	}
	return nil
}
