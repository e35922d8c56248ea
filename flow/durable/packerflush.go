package durable

import (
	"math"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
)

// These are reasons to make a batch beside those of the accumulator.
const (
	flushLimit    = "limit"    // more rows waited than its route takes in a batch
	flushDeadline = "deadline" // rows came near their deadline
)

// flush describes why a batch of rows is made now, and how much of its limits
// it uses. The rest are rows that it leaves to another one.
func (pk *packer) flush(rows, rest []jobdir.Entry, reason string) *intent.Flush {
	route := int(rows[0].Route)
	routes := pk.batches.routes
	most := routes.serviceOf(route).Limits(routes.get(route).Model)
	f := &intent.Flush{Reason: reason, At: time.Now().Round(0), Limit: narrow(pk.batch.MaxItems, most.Rows)}
	if len(rest) > 0 {
		f.Reason = flushLimit
	}
	bytes := 0
	for i := range rows {
		bytes += rows[i].Weight()
	}
	for _, used := range [][2]int{
		{len(rows), f.Limit},
		{bytes, narrow(pk.batch.MaxWeight, narrow(routes.limitOf(route), int(most.Bytes)))},
		{int(tokensOf(rows)), int(routes.tokensOf(route))},
	} {
		if used[1] > 0 {
			f.Fill = max(f.Fill, float64(used[0])/float64(used[1]))
		}
	}
	f.Fill = min(1, math.Ceil(f.Fill*1000)/1000)
	return f
}
