package durable

import (
	"cmp"
	"maps"
	"sync"

	"github.com/balerhq/baler/sink"
)

// failures counts the items that have failed, by the code of their error.
type failures struct {
	mu    sync.Mutex
	codes map[string]int
}

// otherFailures is the code under which the rare codes of a chunk are counted.
const otherFailures = "other"

// maxCodes limits how many codes a chunk counts separately.
const maxCodes = 32

// addFailure counts a failed item of a chunk.
func addFailure(codes map[string]int, e *sink.RowError) map[string]int {
	code := truncate(cmp.Or(e.Code, e.Class.String()), maxCode)
	if _, known := codes[code]; !known && len(codes) >= maxCodes {
		code = otherFailures
	}
	if codes == nil {
		codes = make(map[string]int)
	}
	codes[code]++
	return codes
}

func (f *failures) add(more map[string]int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.codes == nil && len(more) > 0 {
		f.codes = make(map[string]int)
	}
	for code, n := range more {
		f.codes[code] += n
	}
}

func (f *failures) byCode() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.codes)
}
