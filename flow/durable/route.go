package durable

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// Route is one of the ways by which the items of a job get their answers: a
// provider, and a model of it.
type Route struct {
	// Name identifies the route, in results and counts and for Job.Choose. No
	// two routes have the same. Zero means the Model.
	Name string
	// Provider sells the batches. Routes may share one.
	Provider sink.Provider
	// Model answers.
	Model string
	// Options go into each chat that does not have them. A route with other
	// options is another one for the Cache.
	Options llm.Options
	// Weight is the route's share of the items under router.Weighted. Zero
	// means 1.
	Weight int
	// Price is what a unit of size costs here, for router.Cheapest. Only its
	// ratio to that of the other routes matters. Zero means nothing.
	Price float64
}

// Waiting is an item that waits for a batch, as Job.Choose sees it.
type Waiting struct {
	Key      string // of Job.Key
	RouteKey string // of Job.RouteKey
	Priority queue.Priority
	Size     int // of what is asked, in bytes as it is kept
	Attempts int // how often it was sent
}

// ownRoute is a route of the job as it is now. A jobdir.Route is one as a batch
// has taken it.
type ownRoute struct {
	name, model string
	options     llm.Options
	service     *service
	limits      sink.Limits // of a batch
	state       router.State
}

// encode returns the chat as the route sends it.
func (r *ownRoute) encode(chat *llm.Chat) error {
	if r.service.info.Codec == nil {
		return fmt.Errorf("%s has no codec for chats", r.service.info.Name)
	}
	_, err := r.service.info.Codec.Encode(r.model, chat.WithDefaults(r.options))
	return err
}

// named says which route an error is about, if there are several.
func (r *ownRoute) named(err error) error {
	if r.name == "" {
		return err
	}
	return fmt.Errorf("route %q: %w", r.name, err)
}

// ownRoutes returns the routes of a job, and what they buy from.
func (j *Job[T]) ownRoutes() (routes []*ownRoute, services []*service) {
	all := j.Routes
	if len(all) == 0 {
		all = []Route{{Provider: j.Provider, Model: j.Model}}
	}
	for _, r := range all {
		if r.Name == "" && len(j.Routes) > 0 {
			r.Name = r.Model
		}
		s := sold(services, r.Provider)
		if s == nil {
			s = newService(r.Provider, j.Classes)
			services = append(services, s)
		}
		routes = append(routes, &ownRoute{
			name: r.Name, model: r.Model, options: r.Options, service: s, limits: s.Limits(r.Model),
			state: router.State{Name: r.Name, Weight: max(r.Weight, 1), Price: r.Price},
		})
	}
	return routes, services
}

// sold returns the service of a provider, nil if there is none yet.
func sold(services []*service, p sink.Provider) *service {
	for _, s := range services {
		if reflect.TypeOf(p).Comparable() && s.client == p {
			return s
		}
	}
	return nil
}

// validateRoutes refuses routes that cannot be told apart or used.
func (j *Job[T]) validateRoutes() error {
	if len(j.Routes) == 0 {
		return j.validateProvider()
	}
	if j.Provider != nil || j.Model != "" {
		return errors.New("durable: Job.Routes and Job.Provider or Model are both set: give each route its own")
	}
	seen := make(map[string]bool)
	for i, r := range j.Routes {
		name := r.Name
		if name == "" {
			name = r.Model
		}
		switch {
		case r.Provider == nil:
			return fmt.Errorf("durable: Job.Routes[%d].Provider is missing", i)
		case r.Model == "":
			return fmt.Errorf("durable: Job.Routes[%d].Model is missing", i)
		case seen[name]:
			return fmt.Errorf("durable: Job.Routes[%d] is called %q, as another one is: give each a Name", i, name)
		case r.Weight < 0 || r.Price < 0:
			return fmt.Errorf("durable: Job.Routes[%d]: Weight and Price must not be negative", i)
		case j.Prompt != nil && r.Provider.Info().Codec == nil:
			return fmt.Errorf("durable: Job.Routes[%d].Provider has no Codec, which Job.Prompt needs: use Job.Request", i)
		}
		seen[name] = true
	}
	return nil
}

// validateProvider checks the only route of a job without Routes.
func (j *Job[T]) validateProvider() error {
	switch {
	case j.Provider == nil:
		return errors.New("durable: Job.Provider is missing")
	case j.Prompt != nil && j.Model == "":
		return errors.New("durable: Job.Model is missing: a Prompt names none")
	case j.Prompt != nil && j.Provider.Info().Codec == nil:
		return errors.New("durable: Job.Prompt needs a Provider with a Codec: use Job.Request")
	case j.Choose != nil || j.RouteKey != nil || j.Failover != "":
		return errors.New("durable: Job.Choose, RouteKey and Failover are for a job with Routes")
	}
	return nil
}

// waiting is an entry as Job.Choose sees it.
func waiting(e *jobdir.Entry, t jobdir.Target) Waiting {
	return Waiting{Key: e.Key, RouteKey: t.RouteKey, Priority: e.Priority(), Size: e.Size(), Attempts: e.Attempts()}
}
