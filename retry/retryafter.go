package retry

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// MaxRetryAfter is the longest wait that a server may ask for. A mistaken or
// hostile reply could otherwise stop a run for ever.
const MaxRetryAfter = time.Hour

// serverDelay returns how long the server asks to wait: what the header says,
// or else what its grammar has found.
func serverDelay(header http.Header, otherwise time.Duration) time.Duration {
	for _, read := range []func() (time.Duration, bool){
		func() (time.Duration, bool) { return scaled(header.Get("Retry-After-Ms"), time.Millisecond) },
		func() (time.Duration, bool) { return scaled(header.Get("Retry-After"), time.Second) },
		func() (time.Duration, bool) { return untilDate(header) },
	} {
		if d, ok := read(); ok {
			return min(max(d, 0), MaxRetryAfter)
		}
	}
	return min(max(otherwise, 0), MaxRetryAfter)
}

// scaled reads a number of units, which providers write with fractions.
func scaled(value string, unit time.Duration) (time.Duration, bool) {
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(n) {
		return 0, false
	}
	return time.Duration(min(max(n, 0)*float64(unit), float64(MaxRetryAfter))), true
}

// untilDate reads Retry-After as a date. It is measured from the reply's own
// Date, so that a wrong clock on either side does not matter.
func untilDate(header http.Header) (time.Duration, bool) {
	at, err := http.ParseTime(header.Get("Retry-After"))
	if err != nil {
		return 0, false
	}
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return at.Sub(now), true
}
