package jobdir

import (
	"math"
	"strconv"

	"github.com/balerhq/baler/queue"
)

// rowOverhead is how many bytes a row needs in a batch beside its body, at
// most: for id, method, endpoint and punctuation.
const rowOverhead = 256

// Weight returns how many bytes the row takes in a batch.
func (e Entry) Weight() int { return e.Size() + rowOverhead }

// RouteKey returns the key by which rows are accumulated. Rows that need not be
// sent have keys of their own.
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

// Priority is the inverse of LevelOf.
func (e Entry) Priority() queue.Priority { return queue.Priority(math.MaxInt8 - int(e.Level)) }
