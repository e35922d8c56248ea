package durable

import (
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
)

// service is what a job buys from: the client of a provider, on behalf of one
// account. Routes that share a client share the service.
type service struct {
	sink.Provider // with the job's classes
	info          sink.Info
}

func newService(p sink.Provider, c classes) *service {
	return &service{Provider: c.of(p), info: p.Info()}
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

// serviceOf returns the service of a route. The services of all routes with
// open batches are known, see mustKnowServices.
func (l *routes) serviceOf(route int) *service {
	r := l.get(route)
	for _, s := range l.services {
		if s.sells(r) {
			return s
		}
	}
	return l.services[0]
}

// mustKnowServices refuses a job without the provider of a batch that is open.
func (l *routes) mustKnowServices(open []intent.Intent) error {
	for _, in := range open {
		r := l.get(in.Route)
		if !l.serviceOf(in.Route).sells(r) {
			return &MismatchError{Reason: fmt.Sprintf("batch %s is one of %s (%s), to which the job has no route any more: add one",
				in.Tag, r.Provider, r.Origin)}
		}
	}
	return nil
}
