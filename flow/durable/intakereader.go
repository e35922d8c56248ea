package durable

import (
	"context"
	"fmt"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/sink"
)

// row is an item as the engine sees it.
type row struct {
	key     string
	request sink.Request
	encoded bool // by a Codec
	level   uint8
	name    string // of the input
	line    int
}

// group is the rows that are ingested in one commit.
type group struct {
	rows       []row
	checkpoint string // after the last row
}

const groupRows = 512

// rows is a source, whatever the type of its items.
type rows interface {
	resume(checkpoint string) error
	// read sends a group, without waiting, for each value it takes from want.
	read(ctx context.Context, want <-chan struct{}, out chan<- group) error
}

// reader turns the items of a job into rows.
type reader[T any] struct{ job *Job[T] }

func (r *reader[T]) resume(checkpoint string) error {
	if checkpoint == "" {
		return nil
	}
	if err := r.job.Source.Resume(checkpoint); err != nil {
		return fmt.Errorf("durable: resume: %w", err)
	}
	return nil
}

// read sends the items in groups. A group holds the items that have come when
// the next group is wanted, so that the items of a slow source do not linger.
func (r *reader[T]) read(ctx context.Context, want <-chan struct{}, out chan<- group) error {
	var items []row
	for item, err := range r.job.Source.Items() {
		if err != nil {
			return fmt.Errorf("durable: read source: %w", err)
		}
		row, err := r.row(item)
		if err != nil {
			return err
		}
		items = append(items, row)
		wanted, err := isWanted(ctx, want, len(items) >= groupRows)
		if err != nil {
			return err
		}
		if wanted {
			out <- group{items, r.job.Source.Checkpoint()}
			items = nil
		}
	}
	if len(items) == 0 {
		return nil
	}
	if _, err := isWanted(ctx, want, true); err != nil {
		return err
	}
	out <- group{items, r.job.Source.Checkpoint()}
	return nil
}

// isWanted reports whether a group is wanted now. With wait, it waits until one
// is.
func isWanted(ctx context.Context, want <-chan struct{}, wait bool) (bool, error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if !wait {
		select {
		case <-want:
			return true, nil
		default:
			return false, nil
		}
	}
	select {
	case <-want:
		return true, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

func (r *reader[T]) row(item T) (row, error) {
	name, line := r.job.Source.Position()
	refuse := func(err error) (row, error) {
		return row{}, &InputError{Source: name, Line: line, Err: err}
	}
	key := r.job.Key(item)
	if key == "" || len(key) > maxKey {
		return refuse(fmt.Errorf("the item's key has %d bytes: must be 1 to %d", len(key), maxKey))
	}
	request, encoded, err := r.job.request(item)
	if err != nil {
		return refuse(err)
	}
	level := jobdir.LevelOf(queue.PriorityNormal)
	if r.job.Priority != nil {
		level = jobdir.LevelOf(r.job.Priority(item))
	}
	return row{key: key, request: request, encoded: encoded, level: level, name: name, line: line}, nil
}
