package durable

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/sink"
)

// rooms knows what batches have enqueued at their providers: those of all jobs
// of a state directory, which only one process has open at a time. It is in
// memory and made again from the intents of open batches, so that no
// reservation outlives its batch. Only what was learned of limits is kept.
type rooms struct {
	ctx      context.Context // never done: what is given back or learned must not be lost
	capacity *ratelimit.Capacity
	kept     *state.Capacity // what was learned of limits; nil if nothing is to be bought

	mu       sync.Mutex
	limits   map[place]*roomLimit
	accounts map[string]ratelimit.Load // the limits of all models together
	stays    map[string]*stay          // by tag
}

// place is what batches share room in: the model of an account. The account
// alone has room, too.
type place struct{ account, model string }

// placeOf returns the place of batches that a provider asks live, or has in its
// batch API. The two do not share any room.
func placeOf(account, model string, live bool) place {
	if live {
		account = "live " + account
	}
	return place{account, model}
}

// The lanes of a place.
func (p place) tokens() string { return "tokens " + p.account + " " + p.model }
func (p place) trial() string  { return "trial " + p.account + " " + p.model }
func (p place) whole() string  { return "account " + p.account }

// ofRoute is the lane of a stay's route.
func (s *stay) ofRoute() string { return "route " + s.owner + " " + s.route }

// stay is a batch that is enqueued, or is to be.
type stay struct {
	place
	tag      string
	owner    string // the directory of its job
	priority int    // of the job, among those that wait
	load     ratelimit.Load
	known    sink.Enqueued // what the job knows of the limits
	tries    bool          // the limit has to be found out, or may be lower than the job says
	onTrial  bool          // the provider has not said yet that it runs the batch
	route    string        // whose batches are limited; "" if they are not
	most     int           // of these

	there  bool // the provider has the batch, or may have it
	handle sink.Handle
	idle   bool // no job of this process waits for its end
	asked  time.Time
	until  time.Time // when the provider has certainly ended it
}

func newRooms() *rooms {
	return &rooms{
		ctx: context.Background(), capacity: new(ratelimit.Capacity), limits: make(map[place]*roomLimit), accounts: make(map[string]ratelimit.Load), stays: make(map[string]*stay),
	}
}

// part is what a stay takes of a lane.
type part struct {
	lane string
	load ratelimit.Load
}

// parts returns what a stay takes, in the same order for all, so that no two
// wait for each other. What other models share comes last, so that it is not
// held while the rest is waited for.
func (s *stay) parts() (all []part) {
	if s.route != "" {
		all = append(all, part{s.ofRoute(), ratelimit.Load{Batches: 1}})
	}
	if s.tries {
		all = append(all, part{s.trial(), ratelimit.Load{Tokens: s.load.Tokens}})
	}
	return append(all,
		part{s.tokens(), ratelimit.Load{Tokens: s.load.Tokens}},
		part{s.whole(), ratelimit.Load{Rows: s.load.Rows, Batches: 1}},
	)
}

// try reserves room if there is some. A stay that has room keeps it.
func (r *rooms) try(ctx context.Context, s *stay) (ok bool, err error) {
	return r.take(ctx, s, r.capacity.TryReserve)
}

// reserve waits for room. Batches get it by the priority of their jobs, and
// then in the order in which they ask.
func (r *rooms) reserve(ctx context.Context, s *stay) error {
	_, err := r.take(ctx, s, func(ctx context.Context, lane, batch string, load ratelimit.Load) (bool, error) {
		err := r.capacity.ReserveFirst(ctx, s.priority, lane, batch, load)
		return err == nil, err
	})
	return err
}

// take reserves all parts of a stay, or none.
func (r *rooms) take(
	ctx context.Context, s *stay, reserve func(ctx context.Context, lane, batch string, load ratelimit.Load) (bool, error),
) (ok bool, err error) {
	if r.has(s.tag) {
		return true, nil
	}
	r.learn(s)
	for _, p := range s.parts() {
		for {
			ok, err = reserve(ctx, p.lane, s.tag, r.cut(s, p))
			if !errors.Is(err, ratelimit.ErrTooLarge) {
				break // else the limit was lowered meanwhile
			}
		}
		if !ok || err != nil {
			r.release(s)
			return false, err
		}
	}
	r.keepStay(s)
	return true, nil
}

func (r *rooms) keepStay(s *stay) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stays[s.tag], s.onTrial = s, s.tries
}

// cut is what a stay takes of a lane. One that is larger than all of it takes
// it all: it is certain only for the provider whether it fits.
func (r *rooms) cut(s *stay, p part) ratelimit.Load {
	r.mu.Lock()
	defer r.mu.Unlock()
	most := r.limit(s.place, p.lane)
	within := func(n, most int) int {
		if most > 0 {
			return min(n, most)
		}
		return n
	}
	return ratelimit.Load{
		Tokens: within(p.load.Tokens, most.Tokens), Rows: within(p.load.Rows, most.Rows), Batches: within(p.load.Batches, most.Batches),
	}
}

func (r *rooms) has(tag string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stays[tag] != nil
}

// release gives back all that a stay has reserved.
func (r *rooms) release(s *stay) {
	for _, p := range s.parts() {
		_ = r.capacity.Release(r.ctx, p.lane, s.tag) // of a store that is memory
	}
}

// record counts a batch that the provider has, or may have, whether there is
// room or not.
func (r *rooms) record(s *stay) {
	s.there = true
	r.leave(s.tag)
	r.learn(s)
	for _, p := range s.parts() {
		_ = r.capacity.Record(r.ctx, p.lane, s.tag, p.load)
	}
	r.keepStay(s)
}

// leave gives back the room of a batch.
func (r *rooms) leave(tag string) {
	r.mu.Lock()
	s := r.stays[tag]
	delete(r.stays, tag)
	r.mu.Unlock()
	if s != nil {
		r.release(s)
	}
}

// moved notes that a batch has taken a step. One that is in doubt does not keep
// others from being tried.
func (r *rooms) moved(was, in intent.Intent) {
	r.mu.Lock()
	s := r.stays[in.Tag]
	if s != nil && atProvider(in) {
		s.there, s.handle = true, handle(in)
	}
	r.mu.Unlock()
	switch {
	case s == nil:
	case in.State == intent.Unknown || in.State == intent.Held:
		r.endTrial(s, 0)
	case !atProvider(in) && (atProvider(was) || in.State != intent.Uploaded):
		if endedWell(was, in) {
			r.widen(s)
		}
		r.leave(in.Tag)
	}
}

// close leaves the batches of a job that the provider has to whoever asks about
// them, and gives back the room of the others.
func (r *rooms) close(owner string) {
	var gone []string
	r.mu.Lock()
	for tag, s := range r.stays {
		if s.owner != owner {
			continue
		}
		if s.idle = s.there; !s.there {
			gone = append(gone, tag)
		}
	}
	r.mu.Unlock()
	for _, tag := range gone {
		r.leave(tag)
	}
}
