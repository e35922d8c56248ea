package sink

import "time"

// Clock is a Provider that says what time it is where it is. Those that wait for
// hours or days then need not rely on the clock of their own machine, which may
// be wrong, or be set while no process is there to notice.
type Clock interface {
	// Clock is the provider's time, to within a minute or so. It is known once
	// there was a reply.
	Clock() (now time.Time, known bool)
}
