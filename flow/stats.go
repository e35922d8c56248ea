package flow

import "time"

// StageStats is what one stage of a pipeline with [WithStats] has done so far.
type StageStats struct {
	Name    string
	In, Out int64 // items that it took and that it sent
	Waiting int64 // items that lie ready and that it has not taken yet
	// Busy is how long its functions have run: those of a [Func], also of one
	// inside a [Parallel], a [Compose] or a lane, added up when they run at the
	// same time. It is zero for a stage without one.
	Busy time.Duration
	// Held is how long it let items lie ready. A stage waits for the slowest
	// stage after it, so the stage that holds up the pipeline is the last of
	// those that hold items most of the time.
	Held time.Duration
}

// WithStats has the pipeline count what goes through its channels: see
// [Pipeline.Stats]. It costs a goroutine and a few nanoseconds an item for
// each, lets one more slice be in flight, and gives every [Func] a goroutine
// and channels of its own. Without it nothing is counted, and nothing paid.
func WithStats() Option { return func(s *settings) { s.stats = true } }

// Stats returns the counters of all stages, in the order in which they were
// added. They are all zero without [WithStats]. In, Out, Busy and Held never go
// back. It may be called at any time, and costs time in proportion to the
// number of stages.
func (p *Pipeline) Stats() []StageStats { return p.graph.stats() }

func (l *graph) stats() []StageStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	stats := make([]StageStats, len(l.nodes))
	index := map[string]int{}
	for i, n := range l.nodes {
		stats[i].Name = n.Name
		if b := l.busy[n.Name]; b != nil {
			stats[i].Busy = b.total()
		}
		index[n.Name] = i
	}
	for channel, g := range l.gauges {
		stats[index[l.writer[channel]]].Out += g.written.Load()
		if i, ok := index[l.reader[g]]; ok {
			g.addTo(&stats[i])
		}
	}
	return stats
}
