package router

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// routing is one run of a router. Everything but the routes happens in one
// goroutine, which never waits for a route: the mailboxes in front of them hold
// all that may be in flight. So routes and router cannot wait for each other.
type routing[In, Out any] struct {
	*Router[In, Out]
	out     chan<- []Routed[Out]
	group   *errgroup.Group
	table   table[In]
	running []*routeRun[In, Out] // by route, nil when not started
	later   [][]*inFlight[In]    // by route: for its next run
	answers chan answer[Out]
	flights inFlightItems[In]
	waiting []*inFlight[In] // found no route that takes them
	fresh   int             // those of them that no route has tried: while there are some, more input is no use
	ended   bool            // the input has
}

// answer is what a route sent, or that its run is over.
type answer[Out any] struct {
	route   int
	results []Out
	over    bool
}

func newRun[In, Out any](r *Router[In, Out], out chan<- []Routed[Out]) *routing[In, Out] {
	run := &routing[In, Out]{
		Router:  r,
		out:     out,
		table:   table[In]{pick: r.pick, books: make([]health, len(r.routes))},
		running: make([]*routeRun[In, Out], len(r.routes)),
		later:   make([][]*inFlight[In], len(r.routes)),
		answers: make(chan answer[Out]),
		flights: inFlightItems[In]{byKey: map[string][]*inFlight[In]{}},
	}
	for i, l := range r.routes {
		state := State{Name: l.Name, Weight: max(l.Weight, 1), Price: l.Price}
		run.table.books[i] = health{state: state, limit: l.Limit, open: l.Open}
	}
	return run
}

func (r *routing[In, Out]) run(ctx context.Context, in <-chan []In) error {
	r.group, ctx = errgroup.WithContext(ctx)
	r.group.Go(func() error { return r.loop(ctx, in) })
	return r.group.Wait()
}

// loop handles one event after the other until the input has ended and every
// item is answered.
func (r *routing[In, Out]) loop(ctx context.Context, in <-chan []In) error {
	recheck := time.NewTicker(r.c.Recheck)
	defer recheck.Stop()
	for !r.finished() {
		source, again := in, recheck.C
		if r.ended || r.fresh > 0 || r.flights.count+len(r.waiting) >= r.c.Limit {
			source = nil // let it wait
		}
		if len(r.waiting) == 0 {
			again = nil
		}
		var err error
		select {
		case slice, ok := <-source:
			r.ended = !ok
			err = r.accept(ctx, slice)
		case a := <-r.answers:
			err = r.handle(ctx, a)
		case <-again:
			err = r.retry(ctx)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		r.closeRoutes()
	}
	return nil
}

func (r *routing[In, Out]) finished() bool {
	if !r.ended || r.flights.count > 0 || len(r.waiting) > 0 {
		return false
	}
	for _, run := range r.running {
		if run != nil {
			return false
		}
	}
	return true
}

// accept takes new items in.
func (r *routing[In, Out]) accept(ctx context.Context, slice []In) error {
	fls := make([]*inFlight[In], len(slice))
	for i, item := range slice {
		fls[i] = &inFlight[In]{key: r.key(item), item: item, cost: r.c.Cost(item)}
	}
	return r.assign(ctx, fls)
}

// assign sends each item to a route, or lets it wait. All are recorded before
// the first is sent.
func (r *routing[In, Out]) assign(ctx context.Context, fls []*inFlight[In]) error {
	if err := r.recall(ctx, fls); err != nil {
		return err
	}
	var record ledger
	sent := make([]*inFlight[In], 0, len(fls))
	for _, fl := range fls {
		if r.place(fl, &record) {
			sent = append(sent, fl)
		} else {
			r.postpone(fl)
		}
	}
	if err := r.remember(ctx, record); err != nil {
		return err
	}
	for _, fl := range sent {
		if err := r.deliver(ctx, fl); err != nil {
			return err
		}
	}
	return nil
}

// place puts an item down for a route: the one that it was assigned to before,
// or an item with its key in this round, or the one that the strategy picks.
func (r *routing[In, Out]) place(fl *inFlight[In], record *ledger) (ok bool) {
	now := time.Now()
	home := fl.home
	if home == "" && len(fl.tried) == 0 {
		home = record.route(fl.key)
	}
	route := slices.IndexFunc(r.routes, func(l Route[In, Out]) bool { return l.Name == home })
	if route < 0 {
		if route, ok = r.table.choose(fl.item, fl.tried, now); !ok {
			return false
		}
		if r.c.Assignments != nil {
			record.enter(fl.key, r.routes[route].Name)
		}
	}
	fl.route, fl.began, fl.home = route, now, ""
	r.flights.add(fl)
	r.table.books[route].sent(fl.cost)
	r.figures[route].sent.Add(1)
	return true
}

func (r *routing[In, Out]) postpone(fl *inFlight[In]) {
	r.waiting = append(r.waiting, fl)
	r.Router.waiting.Add(1)
	if len(fl.tried) == 0 {
		r.fresh++
	}
}

// deliver hands an item to its route: to the run that is on, to a new one, or,
// when the run that is on takes no more, to the next.
func (r *routing[In, Out]) deliver(ctx context.Context, fl *inFlight[In]) error {
	run := r.running[fl.route]
	if run == nil {
		run = startRoute(ctx, r.group, fl.route, r.routes[fl.route].Build(), r.answers)
		r.running[fl.route] = run
	}
	if run.closed {
		r.later[fl.route] = append(r.later[fl.route], fl)
		return nil
	}
	return run.box.Put(ctx, ctx, &fl.item)
}

// closeRoutes tells the routes when nothing more is to come, so that they
// answer what they have gathered.
func (r *routing[In, Out]) closeRoutes() {
	if !r.ended || r.fresh > 0 {
		return
	}
	for _, run := range r.running {
		if run != nil {
			run.close()
		}
	}
}
