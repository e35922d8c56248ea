package flow

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// routing is one run of a router. Everything but the lanes happens in one goroutine, which never waits for a lane: the
// mailboxes in front of them hold all that may be in flight. So lanes and router cannot wait for each other.
type routing[In, Out any] struct {
	*Router[In, Out]
	out     chan<- []Routed[Out]
	group   *errgroup.Group
	table   laneTable[In]
	running []*laneRun[In, Out] // by lane, nil when not started
	later   [][]*flight[In]     // by lane: for its next run
	answers chan answer[Out]
	flights flights[In]
	waiting []*flight[In] // found no lane that takes them
	fresh   int           // those of them that no lane has tried: while there are some, more input is no use
	ended   bool          // the input has
}

// answer is what a lane sent, or that its run is over.
type answer[Out any] struct {
	lane    int
	results []Out
	over    bool
}

func newRouting[In, Out any](r *Router[In, Out], out chan<- []Routed[Out]) *routing[In, Out] {
	run := &routing[In, Out]{
		Router:  r,
		out:     out,
		table:   laneTable[In]{pick: r.pick, books: make([]laneBook, len(r.lanes))},
		running: make([]*laneRun[In, Out], len(r.lanes)),
		later:   make([][]*flight[In], len(r.lanes)),
		answers: make(chan answer[Out]),
		flights: flights[In]{byKey: map[string][]*flight[In]{}},
	}
	for i, l := range r.lanes {
		state := LaneState{Name: l.Name, Weight: max(l.Weight, 1), Price: l.Price}
		run.table.books[i] = laneBook{state: state, limit: l.Limit, open: l.Open}
	}
	return run
}

func (r *routing[In, Out]) run(ctx context.Context, in <-chan []In) error {
	r.group, ctx = errgroup.WithContext(ctx)
	r.group.Go(func() error { return r.loop(ctx, in) })
	return r.group.Wait()
}

// loop handles one event after the other until the input has ended and every item is answered.
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
		r.closeLanes()
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
	for _, item := range slice {
		fl := &flight[In]{key: r.key(item), item: item, cost: r.c.Cost(item)}
		if err := r.assign(ctx, fl); err != nil {
			return err
		}
	}
	return nil
}

// assign sends an item to a lane, the one that it was assigned to before a restart if there is one, or lets it wait.
func (r *routing[In, Out]) assign(ctx context.Context, fl *flight[In]) error {
	now := time.Now()
	lane, known, err := r.recall(ctx, fl)
	if err != nil {
		return err
	}
	if !known {
		var ok bool
		if lane, ok = r.table.choose(fl.item, fl.tried, now); !ok {
			r.postpone(fl)
			return nil
		}
		if err := r.remember(ctx, fl.key, lane); err != nil {
			return err
		}
	}
	fl.lane, fl.began = lane, now
	r.flights.add(fl)
	r.table.books[lane].sent(fl.cost)
	return r.deliver(ctx, fl)
}

func (r *routing[In, Out]) postpone(fl *flight[In]) {
	r.waiting = append(r.waiting, fl)
	if len(fl.tried) == 0 {
		r.fresh++
	}
}

// deliver hands an item to its lane: to the run that is on, to a new one, or, when the run that is on takes no more, to
// the next.
func (r *routing[In, Out]) deliver(ctx context.Context, fl *flight[In]) error {
	run := r.running[fl.lane]
	if run == nil {
		run = startLane(ctx, r.group, fl.lane, r.lanes[fl.lane].Build(), r.answers)
		r.running[fl.lane] = run
	}
	if run.closed {
		r.later[fl.lane] = append(r.later[fl.lane], fl)
		return nil
	}
	return run.box.put(ctx, fl.item)
}

// closeLanes tells the lanes when nothing more is to come, so that they answer what they have gathered.
func (r *routing[In, Out]) closeLanes() {
	if !r.ended || r.fresh > 0 {
		return
	}
	for _, run := range r.running {
		if run != nil {
			run.close()
		}
	}
}

// handle takes in what a lane says.
func (r *routing[In, Out]) handle(ctx context.Context, a answer[Out]) error {
	if a.over {
		return r.restart(ctx, a.lane)
	}
	var done []Routed[Out]
	for _, result := range a.results {
		routed, ok, err := r.settle(ctx, a.lane, result)
		if err != nil {
			return err
		}
		if ok {
			done = append(done, routed)
		}
	}
	if err := Send(ctx, r.out, done); err != nil {
		return err
	}
	if r.lanes[a.lane].Limit == 0 {
		return nil // nothing has changed for those who wait
	}
	return r.retry(ctx)
}

// settle decides what a result means: it is final, or its item goes to another lane.
func (r *routing[In, Out]) settle(ctx context.Context, lane int, result Out) (routed Routed[Out], ok bool, err error) {
	book := &r.table.books[lane]
	fl := r.flights.remove(r.of(result), lane)
	if fl == nil {
		return routed, false, fmt.Errorf("flow: lane %q, key %q: %w", book.state.Name, r.of(result), ErrLane)
	}
	now := time.Now()
	book.answered(fl.cost, now.Sub(fl.began))
	if !r.c.Failed(result) {
		return Routed[Out]{Result: result, Lane: book.state.Name, Tried: fl.tried}, true, nil
	}
	book.until = now.Add(r.c.Penalty)
	if len(fl.tried)+1 == len(r.lanes) {
		return Routed[Out]{Result: result, Lane: book.state.Name, Tried: fl.tried}, true, nil
	}
	fl.tried = append(fl.tried, book.state.Name)
	return routed, false, r.assign(ctx, fl)
}

// retry assigns the waiting items anew.
func (r *routing[In, Out]) retry(ctx context.Context) error {
	waiting := r.waiting
	r.waiting, r.fresh = nil, 0
	for _, fl := range waiting {
		if err := r.assign(ctx, fl); err != nil {
			return err
		}
	}
	return nil
}

// restart notes that a run of a lane is over, and starts the next one if items have gathered for it.
func (r *routing[In, Out]) restart(ctx context.Context, lane int) error {
	r.running[lane] = nil
	items := r.later[lane]
	r.later[lane] = nil
	if unanswered := r.table.books[lane].state.InFlight - len(items); unanswered > 0 {
		return fmt.Errorf("flow: lane %q ended with %d items in flight: %w", r.lanes[lane].Name, unanswered, ErrLane)
	}
	for _, fl := range items {
		if err := r.deliver(ctx, fl); err != nil {
			return err
		}
	}
	return nil
}
