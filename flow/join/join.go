// Package join is a stage that correlates the items of a stream by key, within
// a time or a number of items:
//
//	pairs := flow.Via(p, readings, join.New(Reading.Minute, Reading.Sensor, 2,
//		join.Config[int, Reading]{Within: time.Minute}))
//
// [Pairs] joins two streams of different types.
package join

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/flow"
)

// Group is what [New] makes of items with the same key.
type Group[K comparable, T any] struct {
	Key     K
	Items   []T   // by part
	Missing []int // the parts that did not come in time; empty in a complete group
}

// Config bounds a join. At least one of Within, WithinItems and MaxOpen must be
// set.
type Config[K comparable, T any] struct {
	// Within is how long after its first item a group may still be completed.
	// Zero means for ever.
	Within time.Duration
	// WithinItems is how many more items of the whole stream may come before a
	// group must be complete. Zero means any number.
	WithinItems int
	// MaxOpen is how many groups may be incomplete at a time. One more, and the
	// oldest expires. Zero means no limit.
	MaxOpen int
	// Expired takes the groups that are incomplete when their time is over, or
	// the input, oldest first. It is called in the goroutine of the stage; its
	// error ends the stage. Nil means that such a group is an error:
	// [ErrIncomplete].
	Expired func(context.Context, Group[K, T]) error
}

// ErrIncomplete is a group that was not complete in time, in a join without an
// Expired hook.
var ErrIncomplete = errors.New("group is incomplete")

func (c Config[K, T]) check(parts int) error {
	switch {
	case parts < 2:
		return errors.New("join: parts must be at least two")
	case c.Within < 0 || c.WithinItems < 0 || c.MaxOpen < 0:
		return errors.New("join: Config.Within, WithinItems and MaxOpen must not be negative")
	case c.Within == 0 && c.WithinItems == 0 && c.MaxOpen == 0:
		return errors.New("join: one of Config.Within, WithinItems and MaxOpen must be set")
	}
	return nil
}

// New returns a stage that correlates items by key: a group is complete when it
// has one item of every part, which are numbered from 0 to parts-1. Every item
// goes into one group, the oldest of its key that still lacks its part. Groups
// leave in the order in which they become complete. A Config that makes no
// sense is the error of Run.
//
// For items of different types see [Pairs], or let T be an interface.
func New[T any, K comparable](key func(T) K, part func(T) int, parts int, c Config[K, T]) *Stage[K, T] {
	if c.Expired == nil {
		c.Expired = func(_ context.Context, g Group[K, T]) error {
			return fmt.Errorf("join %v: parts %v: %w", g.Key, g.Missing, ErrIncomplete)
		}
	}
	return &Stage[K, T]{key: key, part: part, parts: parts, c: c, counts: new(Counts)}
}

// Stage is a stage that joins, see [New].
type Stage[K comparable, T any] struct {
	key   func(T) K
	part  func(T) int
	parts int
	c     Config[K, T]

	counts *Counts
}

// Stats returns figures about all Runs of the stage. It may be called at any
// time.
func (s *Stage[K, T]) Stats() Stats {
	if s.counts == nil {
		return Stats{}
	}
	return s.counts.Stats()
}

// String names the stage.
func (s *Stage[K, T]) String() string { return "join" }

// Run makes a Stage a flow.Stage.
func (s *Stage[K, T]) Run(ctx context.Context, in <-chan []T, out chan<- []Group[K, T]) error {
	if s.key == nil || s.part == nil {
		return errors.New("join: a Stage without a key or a part: make it with New")
	}
	if err := s.c.check(s.parts); err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	j := joining[K, T]{Stage: s, table: newTable[K, T](s.parts), timer: timer}
	err := j.run(ctx, in, out)
	j.note()
	s.counts.open.Add(-int64(j.table.open())) // those that an error left open
	return err
}

// joining is one run of a join: the table, and a timer for the oldest group.
type joining[K comparable, T any] struct {
	*Stage[K, T]
	table *table[K, T]
	timer *time.Timer
	noted int // groups that are counted as open
}

// note brings the count of open groups up to date.
func (j *joining[K, T]) note() {
	open := j.table.open()
	j.counts.open.Add(int64(open - j.noted))
	j.noted = open
}

func (j *joining[K, T]) run(ctx context.Context, in <-chan []T, out chan<- []Group[K, T]) error {
	for {
		select {
		case slice, ok := <-in:
			if !ok {
				return j.expire(ctx, func(*openGroup[K, T]) bool { return true })
			}
			complete, err := j.add(ctx, slice)
			if err != nil {
				return err
			}
			if err := flow.Send(ctx, out, complete); err != nil {
				return err
			}
		case now := <-j.timer.C:
			if err := j.expire(ctx, func(g *openGroup[K, T]) bool { return j.late(g, now) }); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		j.note()
		j.arm()
	}
}

// add puts the items of a slice into their groups, and returns those that this
// completes.
func (j *joining[K, T]) add(ctx context.Context, slice []T) (complete []Group[K, T], err error) {
	now := time.Now()
	for _, item := range slice {
		part := j.part(item)
		if part < 0 || part >= j.table.parts {
			return nil, fmt.Errorf("join: part %d, want 0 to %d", part, j.table.parts-1)
		}
		j.table.seen++
		if err := j.expire(ctx, func(g *openGroup[K, T]) bool { return j.late(g, now) }); err != nil {
			return nil, err
		}
		if g := j.table.add(j.key(item), part, item, now); g != nil {
			complete = append(complete, *g)
			j.counts.complete.Add(1)
		}
		excess := func(*openGroup[K, T]) bool { return j.c.MaxOpen > 0 && j.table.open() > j.c.MaxOpen }
		if err := j.expire(ctx, excess); err != nil {
			return nil, err
		}
	}
	return complete, nil
}

// late reports whether a group can no longer be completed.
func (j *joining[K, T]) late(g *openGroup[K, T], now time.Time) bool {
	return j.c.Within > 0 && now.Sub(g.opened) >= j.c.Within ||
		j.c.WithinItems > 0 && j.table.seen-g.place > j.c.WithinItems
}

// expire hands over the oldest groups as long as they are due.
func (j *joining[K, T]) expire(ctx context.Context, due func(*openGroup[K, T]) bool) error {
	for g := j.table.oldest(); g != nil && due(g); g = j.table.oldest() {
		j.table.remove(g)
		j.counts.expired.Add(1)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := j.c.Expired(ctx, g.group); err != nil {
			return err
		}
	}
	return nil
}

// arm sets the timer for the oldest group.
func (j *joining[K, T]) arm() {
	j.timer.Stop()
	if g := j.table.oldest(); g != nil && j.c.Within > 0 {
		j.timer.Reset(time.Until(g.opened.Add(j.c.Within)))
	}
}
