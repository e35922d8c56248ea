package durable

import (
	"fmt"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// service is what a job buys from: the client of a provider, on behalf of one
// account. Routes that share a client share the service.
type service struct {
	sink.Provider // with the job's classes
	client        sink.Provider
	info          sink.Info

	breaker  *retry.Breaker                        // nil if there is no other service
	avoidFor time.Duration                         // rows that have another route avoid a provider that is down, see watchOutages
	observe  func(state RouteState, reason string) // of its routes; nil if nobody asks

	mu         sync.Mutex
	why        error     // the account is blocked, nil if it is not
	downUntil  time.Time // the provider does not answer
	avoidUntil time.Time // rows that have another route do not come
}

// block notes that the account is blocked. It reports whether this is the first
// such error, which is the one that counts.
func (s *service) block(why error) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why != nil {
		return false
	}
	s.why = why
	return true
}

// blocked returns why the account is blocked, nil if it is not.
func (s *service) blocked() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

func newService(p sink.Provider, c classes) *service {
	return &service{Provider: c.of(p), client: p, info: p.Info()}
}

// window returns within what time the provider ends a batch of the model, zero
// if it does not say.
func (s *service) window(model string) time.Duration { return s.Limits(model).Window }

// sells reports whether a route is one of the service. The batches of a live
// provider and those of the same account's batch API are not the same.
func (s *service) sells(r jobdir.Route) bool {
	return s.info.Name == r.Provider && s.info.Origin == r.Origin && s.info.Live == r.Live
}

// maySell is like sells, and true if a repaired journal does not know whose the
// route is.
func (s *service) maySell(r jobdir.Route) bool { return r.Provider == "" || s.sells(r) }

// serviceOf returns the service of a batch's route.
func (b *batches) serviceOf(in intent.Intent) *service { return b.routes.serviceOf(in.Route) }

// modelOf returns the model that a batch asks.
func (b *batches) modelOf(in intent.Intent) string { return b.routes.get(in.Route).Model }

// roomOf identifies what a batch shares the room of, for what is enqueued: the
// model of an account.
func (b *batches) roomOf(in intent.Intent) string {
	p := b.placeOf(in)
	return p.account + " " + p.model
}

func (b *batches) placeOf(in intent.Intent) place {
	info := b.serviceOf(in).info
	return placeOf(info.Account, b.modelOf(in), info.Live)
}

// stayOf returns what a batch takes of the room of its model and account.
func (b *batches) stayOf(in intent.Intent) *stay {
	known := b.routes.enqueued(in.Route)
	s := &stay{
		place: b.placeOf(in), tag: in.Tag, owner: b.Keys.Dir(), priority: b.runPriority, load: loadOf(in), known: known,
		tries:  (known.Tokens > 0 || known.Rows == 0) && !b.serviceOf(in).info.Live,
		handle: handle(in), until: in.SentAt.Add(idleTime),
	}
	if n := b.routes.ownOf(in.Route); n >= 0 && b.own[n].maxInFlight > 0 {
		s.route, s.most = b.own[n].name, b.own[n].maxInFlight
	}
	return s
}

// serviceOf returns the service of a route. Those of all open batches are
// known, see mustKnowServices.
func (l *routes) serviceOf(route int) *service {
	if n := l.ownOf(route); n >= 0 {
		return l.own[n].service
	}
	return l.first()
}

// ownOf returns which of the job's routes is the one that a batch has taken:
// the one of the same name, or else, unless it is live, one of the same
// provider. It returns -1 if there is none.
func (l *routes) ownOf(route int) int {
	r, found := l.get(route), -1
	for n, own := range l.own {
		switch {
		case !own.service.sells(r):
		case own.name == r.Name:
			return n
		case found < 0 && !r.Live: // a live route has a directory of its own
			found = n
		}
	}
	return found
}

// mustKnowServices refuses a job without the provider of a batch that is open.
func (l *routes) mustKnowServices(open []intent.Intent) error {
	for _, in := range open {
		r := l.get(in.Route)
		if l.ownOf(in.Route) < 0 {
			kind := ""
			if r.Live {
				kind = fmt.Sprintf("live %q ", r.Name)
			}
			return &MismatchError{Reason: fmt.Sprintf("batch %s is one of %s (%s), to which the job has no %sroute any more: add one",
				in.Tag, r.Provider, r.Origin, kind)}
		}
	}
	return nil
}
