package router

import "time"

// inFlight is an item on its way through a route.
type inFlight[In any] struct {
	key   string
	item  In
	cost  float64
	home  string // the route that it was assigned to before a restart
	route int
	tried []string // routes that failed it
	began time.Time
}

// inFlightItems finds the flight that an answer belongs to. Items with the same
// key are answered in the order in which they were sent.
type inFlightItems[In any] struct {
	byKey map[string][]*inFlight[In]
	count int
}

func (f *inFlightItems[In]) add(fl *inFlight[In]) {
	f.byKey[fl.key] = append(f.byKey[fl.key], fl)
	f.count++
}

// remove returns the oldest flight of key in route, or nil.
func (f *inFlightItems[In]) remove(key string, route int) *inFlight[In] {
	same := f.byKey[key]
	for i, fl := range same {
		if fl.route != route {
			continue
		}
		f.count--
		if len(same) == 1 {
			delete(f.byKey, key)
		} else {
			f.byKey[key] = append(same[:i:i], same[i+1:]...)
		}
		return fl
	}
	return nil
}
