package router

import "sync/atomic"

// Stats is what a [Router] has done so far, and does now.
type Stats struct {
	Waiting int // items that find no route that takes them
	Routes  []RouteStats
}

// RouteStats is what one route has done so far, and does now.
type RouteStats struct {
	Name     string
	Sent     int64 // items, again for each time that they were sent there
	Failed   int64 // of them, those that it failed
	InFlight int   // items that have no answer yet
}

// routeFigures counts for RouteStats. What is neither answered nor abandoned is
// in flight.
type routeFigures struct{ sent, answered, failed, abandoned atomic.Int64 }

// Stats returns figures about all Runs of the stage, by route in the order in
// which New was given them. It may be called at any time.
func (r *Router[In, Out]) Stats() Stats {
	s := Stats{Waiting: int(r.waiting.Load()), Routes: make([]RouteStats, len(r.routes))}
	for i := range s.Routes {
		f := &r.figures[i]
		done := f.answered.Load() + f.abandoned.Load() // first: it never exceeds what was sent
		sent := f.sent.Load()
		s.Routes[i] = RouteStats{Name: r.routes[i].Name, Sent: sent, Failed: f.failed.Load(), InFlight: int(sent - done)}
	}
	return s
}

// forget takes what a run held when it was stopped out of the figures.
func (r *routing[In, Out]) forget() {
	r.Router.waiting.Add(-int64(len(r.waiting)))
	for i := range r.figures {
		r.figures[i].abandoned.Add(int64(r.table.books[i].state.InFlight))
	}
}
