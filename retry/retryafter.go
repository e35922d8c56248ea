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

// serverDelay returns how long the server asks to wait, 0 if it does not say.
func serverDelay(status int, header http.Header, b errorBody) time.Duration {
	for _, read := range []func() (time.Duration, bool){
		func() (time.Duration, bool) { return scaled(header.Get("Retry-After-Ms"), time.Millisecond) },
		func() (time.Duration, bool) { return scaled(header.Get("Retry-After"), time.Second) },
		func() (time.Duration, bool) { return untilDate(header) },
		func() (time.Duration, bool) { return b.delay, b.delay > 0 },
		func() (time.Duration, bool) { return resetDelay(header), status == http.StatusTooManyRequests },
	} {
		if d, ok := read(); ok {
			return min(max(d, 0), MaxRetryAfter)
		}
	}
	return 0
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

// resetDelay returns the time until the limits that are used up refill. The
// reset of any other limit does not say how long this call must wait.
func resetDelay(header http.Header) time.Duration {
	var longest time.Duration
	for _, kind := range []string{"Requests", "Tokens"} {
		left := header.Get("X-Ratelimit-Remaining-" + kind)
		if n, err := strconv.ParseFloat(left, 64); err == nil && n > 0 {
			continue
		}
		if d, err := time.ParseDuration(header.Get("X-Ratelimit-Reset-" + kind)); err == nil {
			longest = max(longest, d)
		}
	}
	return longest
}
