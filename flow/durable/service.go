package durable

import (
	"fmt"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
)

// service is what a job buys from: the client of a provider, on behalf of one
// account. Routes that share a client share the service.
type service struct {
	sink.Provider // with the job's classes
	client        sink.Provider
	info          sink.Info

	mu  sync.Mutex
	why error // the account is blocked, nil if it is not
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

// sells reports whether a route is one of the service.
func (s *service) sells(r jobdir.Route) bool {
	return s.info.Name == r.Provider && s.info.Origin == r.Origin
}

// serviceOf returns the service of a batch's route.
func (b *batches) serviceOf(in intent.Intent) *service { return b.routes.serviceOf(in.Route) }

// modelOf returns the model that a batch asks.
func (b *batches) modelOf(in intent.Intent) string { return b.routes.get(in.Route).Model }

// roomOf identifies what a batch shares the room of, for what is enqueued: the
// model of an account.
func (b *batches) roomOf(in intent.Intent) string {
	return b.serviceOf(in).info.Account + " " + b.modelOf(in)
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
// the one of the same name, or else one of the same provider. It returns -1 if
// there is none.
func (l *routes) ownOf(route int) int {
	r, found := l.get(route), -1
	for n, own := range l.own {
		switch {
		case !own.service.sells(r):
		case own.name == r.Name:
			return n
		case found < 0:
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
			return &MismatchError{Reason: fmt.Sprintf("batch %s is one of %s (%s), to which the job has no route any more: add one",
				in.Tag, r.Provider, r.Origin)}
		}
	}
	return nil
}
