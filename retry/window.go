package retry

import "time"

// windowParts is the number of parts of a window. It forgets one part at a
// time.
const windowParts = 10

// window counts outcomes of the last so many minutes in constant memory.
type window struct {
	width         time.Duration // of a part
	parts         [windowParts]struct{ failed, total int }
	newest        int64 // number of the part that counts now
	failed, total int   // sums of parts
}

func newWindow(d time.Duration) window { return window{width: d / windowParts} }

func (w *window) add(now time.Time, succeeded, failed int) {
	w.advance(now.UnixNano() / int64(w.width))
	part := &w.parts[w.newest%windowParts]
	part.total += succeeded + failed
	w.total += succeeded + failed
	part.failed += failed
	w.failed += failed
}

// advance drops the parts that are older than the window. A clock that went
// back counts into the newest part.
func (w *window) advance(part int64) {
	if part-w.newest >= windowParts {
		*w = window{width: w.width, newest: part}
	}
	for w.newest < part {
		w.newest++
		old := &w.parts[w.newest%windowParts]
		w.failed -= old.failed
		w.total -= old.total
		old.failed, old.total = 0, 0
	}
}

func (w *window) rate() float64 { return float64(w.failed) / float64(max(w.total, 1)) }
