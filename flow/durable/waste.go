package durable

import (
	"context"
	"sync"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// surprises are what this run met beside the results that it asked for.
type surprises struct {
	mu     sync.Mutex
	strays Strays
	waste  llm.Usage
	gone   int // answers of other jobs that were there when this one looked
}

func (s *surprises) addGone(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone += n
}

func (s *surprises) addStrays(more Strays) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strays = s.strays.add(more)
}

func (s *surprises) addWaste(more llm.Usage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waste = s.waste.Add(more)
}

// report puts what was met into a report.
func (s *surprises) report(r *Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Strays, r.Waste, r.CacheGone = s.strays, s.waste, s.gone
}

// countWaste adds up what the surplus batches of an intent have cost. Their
// results are of no other use: each row has one already. What a batch that has
// not ended yet costs is not known.
func (e *engine) countWaste(ctx context.Context, in intent.Intent) {
	if e.codec == nil {
		return // nobody knows where replies tell it
	}
	for _, batch := range in.Surplus {
		usage, err := e.usage(ctx, sink.Handle{Batch: batch})
		e.surprises.addWaste(usage)
		e.log.InfoContext(ctx, "usage of a second batch of the same tag", "tag", in.Tag, "batch", batch,
			"input_tokens", usage.Input, "output_tokens", usage.Output, "unread", err)
	}
}

// usage adds up what the rows of a batch have used, so far as it can be read.
func (e *engine) usage(ctx context.Context, h sink.Handle) (total llm.Usage, err error) {
	for o, err := range e.provider.Results(ctx, h) {
		if err != nil {
			return total, err
		}
		if o.Err != nil {
			continue
		}
		if reply, err := e.codec.Decode(o.Body); err == nil {
			total = total.Add(reply.Usage)
		}
	}
	return total, nil
}
