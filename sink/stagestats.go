package sink

import "sync/atomic"

// StageStats is what a [Stage] has done so far, and does now.
type StageStats struct {
	Succeeded int64 // items
	Failed    int64 // items
	InFlight  int   // batches
}

type figures struct{ succeeded, failed, inFlight atomic.Int64 }

// Stats returns figures about all Runs of the stage. It may be called at any
// time.
func (s *Stage[B, T]) Stats() StageStats {
	return StageStats{
		Succeeded: s.figures.succeeded.Load(), Failed: s.figures.failed.Load(),
		InFlight: int(s.figures.inFlight.Load()),
	}
}
