// Package chance decides what is left to chance, the same way each time.
package chance

import (
	"fmt"
	"hash/fnv"
)

// Of returns a number from 0 to 1 that depends on nothing but its
// arguments.
func Of(seed uint64, name string, data []byte) float64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %s ", seed, name)
	_, _ = h.Write(data)
	x := h.Sum64()
	x ^= x >> 33 // FNV leaves the high bits of similar texts similar
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}
