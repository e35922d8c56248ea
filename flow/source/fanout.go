package source

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"sync"
)

// Source is what FanOut reads: a durable.Source.
type Source[T any] interface {
	Items() iter.Seq2[T, error]
	Position() (name string, line int)
	Checkpoint() string
	Resume(checkpoint string) error
}

// FanOut returns a source that makes several items of each item of another
// source, or one or none. It can resume if the other source can: then all parts
// of the item within which it was interrupted come again, and the job drops
// those that it has. Split must make the same of the same item, and the parts
// need keys of their own, such as that of the item with a number.
func FanOut[In, Out any](in Source[In], split func(In) ([]Out, error)) *Fan[In, Out] {
	return &Fan[In, Out]{in: in, split: split, ctx: context.Background()}
}

// Fan is the source that FanOut returns. It implements durable.Feed, whether
// the other source does or not.
type Fan[In, Out any] struct {
	in    Source[In]
	split func(In) ([]Out, error)
	at    fanPosition
	n     int             // parts that were yielded, also by earlier processes
	ctx   context.Context //nolint:containedctx // of Items, which takes none

	mu    sync.Mutex
	parts []int // of each item that is not kept as a whole: how many parts are not
}

// fanPosition is a place between two items of the other source.
type fanPosition struct {
	Before string `json:"before"` // checkpoint of the other source
	N      int    `json:"n"`      // parts before the place
}

// Begin sets the context with which Items ends, after all parts of an item.
func (f *Fan[In, Out]) Begin(ctx context.Context) {
	f.ctx = ctx
	if feed, ok := f.in.(interface{ Begin(ctx context.Context) }); ok {
		feed.Begin(ctx)
	}
}

// Items yields the parts of each item. An error ends the sequence, unless it is
// that of a row which the other source passes.
func (f *Fan[In, Out]) Items() iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		f.at.Before, f.n = f.in.Checkpoint(), f.at.N
		for item, err := range f.in.Items() {
			var parts []Out
			if err == nil {
				parts, err = f.split(item)
			}
			if err != nil {
				var none Out
				if !isRow(err) || !f.PassesBadRows() {
					yield(none, err)
					return
				}
				f.wait(1)
				f.at = fanPosition{f.in.Checkpoint(), f.n}
				if !yield(none, err) || f.ctx.Err() != nil {
					return
				}
				continue
			}
			f.wait(len(parts))
			for _, part := range parts {
				f.n++
				if !yield(part, nil) {
					return
				}
			}
			f.at = fanPosition{f.in.Checkpoint(), f.n}
			if f.ctx.Err() != nil {
				return
			}
		}
	}
}

// PassesBadRows reports whether Items of the other source goes on after an
// error of a row. Then Items does, too.
func (f *Fan[In, Out]) PassesBadRows() bool {
	passes, ok := f.in.(interface{ PassesBadRows() bool })
	return ok && passes.PassesBadRows()
}

func (f *Fan[In, Out]) wait(parts int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.parts = append(f.parts, parts)
}

// Kept passes on which items are kept as a whole. One without parts is, once
// those before it are.
func (f *Fan[In, Out]) Kept(parts int) error {
	feed, ok := f.in.(interface{ Kept(items int) error })
	f.mu.Lock()
	items := 0
	for ; items < len(f.parts) && f.parts[items] <= parts; items++ {
		parts -= f.parts[items]
	}
	f.parts = f.parts[items:]
	if len(f.parts) > 0 {
		f.parts[0] -= parts
	}
	f.mu.Unlock()
	if !ok || items == 0 {
		return nil
	}
	return feed.Kept(items)
}

// Position returns the name of the other source and the number of the part that
// was yielded last.
func (f *Fan[In, Out]) Position() (name string, line int) {
	name, _ = f.in.Position()
	return name, f.n
}

// Checkpoint returns the place before the item whose part was yielded last, ""
// if the other source cannot resume.
func (f *Fan[In, Out]) Checkpoint() string {
	if f.in.Checkpoint() == "" {
		return ""
	}
	b, _ := json.Marshal(f.at) // of a text and a number
	return string(b)
}

// Resume makes Items go on after a checkpoint.
func (f *Fan[In, Out]) Resume(checkpoint string) error {
	var at fanPosition
	if checkpoint != "" {
		if err := json.Unmarshal([]byte(checkpoint), &at); err != nil {
			return fmt.Errorf("source: checkpoint: %w", err)
		}
	}
	if err := f.in.Resume(at.Before); err != nil {
		return err
	}
	f.at, f.n = at, at.N
	return nil
}
