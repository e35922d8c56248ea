package jobdir

import (
	"math"
	"strconv"

	"github.com/balerhq/baler/queue"
)

// rowOverhead is what a row adds to its body in a batch, at most: id, method,
// endpoint and punctuation.
const rowOverhead = 256

// Weight is what the row takes of a batch, in bytes.
func (e Entry) Weight() int { return e.Size() + rowOverhead }

// RouteKey is what rows are accumulated by. Those that need not be sent are
// apart.
func (e Entry) RouteKey() string {
	key := strconv.Itoa(int(e.Route))
	if e.Hit != nil {
		key += " cached"
	}
	return key
}

// LevelOf maps a priority to the byte that sorts it: the most urgent first.
func LevelOf(p queue.Priority) uint8 {
	return uint8(math.MaxInt8 - min(max(p, math.MinInt8), math.MaxInt8)) //nolint:gosec // clamped
}

// Priority undoes levelOf.
func (e Entry) Priority() queue.Priority { return queue.Priority(math.MaxInt8 - int(e.Level)) }
