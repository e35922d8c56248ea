package queue

// gate lets goroutines wait for a condition that a mutex guards. Unlike a
// channel for each waiter it allocates nothing per wait, and unlike with a
// sync.Cond a context can end a wait. A waiter that is let through signals
// again if the condition still holds, so one signal is enough for any number of
// waiters.
type gate struct {
	open    chan struct{} // holds a token while one waiter may try
	waiting int
}

func newGate() gate { return gate{open: make(chan struct{}, 1)} }

// signal lets one waiter through.
func (g *gate) signal() { notify(g.open) }

// notify leaves a token in a channel for one, unless it holds one already.
func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
