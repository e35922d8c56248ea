package durable

import (
	"context"
	"fmt"
	"sync"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// fed is an item of a Feed.
type fed struct {
	row        row
	more       []row // of the item on other routes
	filtered   bool
	rejected   *jobdir.Reject // nil unless it is left out because it cannot be used
	checkpoint string         // after it
	err        error
}

// kept tells a Feed that items are durable. Other sources need not know.
func (r *reader[T]) kept(items int) error {
	feed, ok := r.job.Source.(Feed[T])
	if !ok {
		return nil
	}
	if err := feed.Kept(items); err != nil {
		return fmt.Errorf("durable: acknowledge items of the source: %w", err)
	}
	return nil
}

// readFeed sends the items of a feed in groups. A goroutine waits for the next
// item, so that those which have come are kept meanwhile.
func (r *reader[T]) readFeed(ctx, taking context.Context, feed Feed[T], want <-chan group, out chan<- group) error {
	taking, stop := context.WithCancel(taking)
	items := make(chan fed)
	var takes sync.WaitGroup
	takes.Go(func() { r.take(ctx, taking, feed, items) })
	defer takes.Wait()
	defer stop()
	var g group
	for more := true; more || g.items() > 0; {
		next, wanted := items, want
		if g.items() == 0 {
			wanted = nil
		}
		if !more || g.full() {
			next = nil
		}
		select {
		case item, ok := <-next:
			if more = ok; !ok {
				continue
			}
			if item.err != nil {
				return item.err
			}
			g.add(item)
		case empty := <-wanted:
			out <- g
			g = empty
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// take sends the items of a feed until it ends, or taking does.
func (r *reader[T]) take(ctx, taking context.Context, feed Feed[T], items chan<- fed) {
	defer close(items)
	feed.Begin(taking)
	for item, err := range feed.Items() {
		if err != nil && taking.Err() != nil {
			return // it was told to end
		}
		f := r.examine(item, err)
		if f.err == nil {
			f.checkpoint = feed.Checkpoint()
		}
		select {
		case items <- f:
		case <-ctx.Done():
			return
		}
		if f.err != nil {
			return
		}
	}
}

// examine returns what becomes of an item, or of an error of the source.
func (r *reader[T]) examine(item T, err error) (f fed) {
	rejected, ok := jobdir.Reject{}, false
	switch {
	case err != nil:
		f.err = fmt.Errorf("durable: read source: %w", err)
		rejected, ok = r.rejectOf(err)
	case r.job.Where != nil && !r.job.Where(item):
		f.filtered = true
	default:
		if f.row, f.err = r.row(item); f.err != nil {
			rejected, ok = reject(item, f.err)
			break
		}
		if r.job.Rejects != nil {
			f.row.item = item
		}
		f.more = r.onOthers(&f.row)
	}
	if ok && r.job.Rejects != nil {
		f.rejected, f.err = &rejected, nil
	}
	return f
}

// items counts what the source has yielded for the group.
func (g *group) items() int { return len(g.rows) - g.more + g.filtered + len(g.rejected) }

func (g *group) full() bool { return len(g.rows)+len(g.rejected) >= groupRows || g.size >= groupBytes }

func (g *group) add(f fed) {
	g.checkpoint = f.checkpoint
	switch {
	case f.filtered:
		g.filtered++
	case f.rejected != nil:
		g.rejected = append(g.rejected, leftOut{*f.rejected, beforeRow(len(g.rows))})
		g.size += len(f.rejected.Row)
	default:
		g.rows = append(append(g.rows, f.row), f.more...)
		g.more += len(f.more)
		g.size += (1 + len(f.more)) * f.row.request.size()
	}
}
