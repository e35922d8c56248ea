package join

import "sync/atomic"

// Stats is what a join has done so far, and holds now.
type Stats struct {
	Complete int64 // groups
	Expired  int64 // groups
	Open     int   // groups that are incomplete now
}

// Counts counts what [Pairs] does, whose stages nobody sees. The zero value is
// ready for use.
type Counts struct{ complete, expired, open atomic.Int64 }

// Stats returns figures about all runs of the join. It may be called at any
// time.
func (c *Counts) Stats() Stats {
	return Stats{Complete: c.complete.Load(), Expired: c.expired.Load(), Open: int(c.open.Load())}
}
