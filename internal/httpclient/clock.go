package httpclient

import (
	"net/http"
	"sync/atomic"
	"time"
)

// clock is what time it is at the server, by the Date of its last reply.
type clock struct{ last atomic.Pointer[reading] }

// reading is what a clock elsewhere showed, and when that was here.
type reading struct{ there, here time.Time }

// note reads the Date of a reply, unless it comes from a cache.
func (c *clock) note(h http.Header) {
	there, err := http.ParseTime(h.Get("Date"))
	if age := h.Get("Age"); err == nil && (age == "" || age == "0") {
		c.last.Store(&reading{there, time.Now()})
	}
}

// now is what time it is there, to the second, as far as that is known.
func (c *clock) now() (t time.Time, known bool) {
	last := c.last.Load()
	if last == nil {
		return time.Time{}, false
	}
	return last.there.Add(time.Since(last.here)), true
}

// Now is what time it is at the server, to the second. It is known once a reply
// had a Date.
func (c *Client) Now() (t time.Time, known bool) {
	if c == nil {
		return time.Time{}, false
	}
	return c.clock.now()
}
