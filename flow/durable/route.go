package durable

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/retry"
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
	// Model answers. It may be missing from all routes of a job whose Requests
	// each name their model: then that answers, and each route needs a Name.
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
	// PriceAs is the model of Job.Prices whose price the route has, if Model is
	// not in them: it is a fine-tuned model, or the name of a deployment. It is
	// a model of the route's provider, or PROVIDER/MODEL. One that has no price
	// is an error of the job. Zero means the Model.
	PriceAs string
	// MaxAttempts is how often an item is sent to this route at most. After
	// that the route has failed it for good, and Failover decides whether it
	// goes on to another. If any route has it, attempts count by route, also
	// those of routes without. Refusals of batches go by Job.MaxAttempts. Zero
	// means Job.MaxAttempts; more than 255 are refused.
	MaxAttempts int
	// Least is how many items are worth a batch. Fewer, as at the end of the
	// job or after Batch.MaxWait, take the first of the other routes that can
	// take all of them, such as a live one (package sink/live), if there is one
	// that is not out (see FailoverOut). Zero means 1.
	Least int
	// Within makes it a route for items near their Job.Deadline, such as a live
	// one (package sink/live). It is the margin in which an unfinished batch
	// can be cancelled and its items can be asked here. A batch is cancelled
	// once an item of it has less than the margin left; one that was not bought
	// is taken back. When it has ended, items that it has answered keep their
	// answers, and those that never ran take this route. So do items that wait
	// and have less than twice the margin left, since a batch would have less
	// than the margin for them, and items that have passed their deadline. No
	// other item takes it. Nothing happens while the route is out (see
	// FailoverOut), and to an item that it has failed for good. A batch whose
	// creation was not answered stays until it is found. Such batches do not
	// count for MaxInFlight, but have as many slots of their own. Within must
	// be at least Job.Grace and Batch.MaxWait together. Zero means that any
	// item may take the route.
	Within time.Duration
	// Enqueued is how much the account may have enqueued, as far as you know
	// better than the Provider. See Job.Enqueued.
	Enqueued sink.Enqueued
	// MaxInFlight is how many batches of the route may be open at the provider,
	// within Job.MaxInFlight. The next ones wait sealed and hold up no other
	// route. So a type of work has limits of its own if a route is for it alone
	// (RouteKey and router.ByTable), also beside others with the same Provider
	// and Model. Zero means any number.
	MaxInFlight int
	// Window is how long a batch may take, from its creation on. Then it is
	// cancelled. What it has answered when it has ended counts. An item that
	// never ran is retried, and that was an attempt: with MaxAttempts 1 and
	// FailoverFailed it takes another route. The timeout of a single call of a
	// live route is live.Config.Rate.Timeout. Zero means as long as the
	// provider lets it, and Job.Grace.
	Window time.Duration
}

// Waiting is an item that waits for a batch, as Job.Choose sees it.
type Waiting struct {
	Key      string // of Job.Key
	RouteKey string // of Job.RouteKey
	Tenant   string // of Job.Tenant
	Priority queue.Priority
	Deadline time.Time // of Job.Deadline
	Size     int       // of what is asked, in bytes as it is kept
	Attempts int       // how often it was sent
}

// ownRoute is a route of the job as it is now. A jobdir.Route is one as a batch
// has taken it.
type ownRoute struct {
	name, model string
	options     llm.Options
	maxAttempts int           // of an item; 0: those of the job
	least       int           // items in a batch
	within      time.Duration // of a deadline; 0: for all items
	window      time.Duration // of a batch; 0: that of the provider
	maxInFlight int           // batches; 0: any number
	service     *service
	limits      sink.Limits // of a batch, and of what is enqueued
	enqueued    sink.Enqueued
	state       router.State
	failures    *retry.Guard // pauses it; nil if there is no other route
}

// out reports whether nothing is bought by the route: because its account is
// blocked, its provider is down, or too many of its rows fail.
func (r *ownRoute) out() bool {
	_, down := r.service.down()
	return down || r.stopped()
}

// stopped reports whether the route is out until a person acts.
func (r *ownRoute) stopped() bool {
	if r.failures != nil {
		if _, paused := r.failures.Paused(retry.Scope{}); paused {
			return true
		}
	}
	return r.service.blocked() != nil
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
		all = []Route{{Provider: j.Provider, Model: j.Model, Enqueued: j.Enqueued}}
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
		limits := s.Limits(r.Model)
		limits.Enqueued = r.Enqueued.Or(limits.Enqueued)
		routes = append(routes, &ownRoute{
			name: r.Name, model: r.Model, options: r.Options, maxAttempts: r.MaxAttempts, least: r.Least, within: r.Within, window: r.Window, maxInFlight: r.MaxInFlight, service: s, limits: limits, enqueued: r.Enqueued,
			state: router.State{Name: r.Name, Weight: max(r.Weight, 1), Price: r.Price},
		})
	}
	if len(services) > 1 {
		for _, s := range services {
			s.watchOutages(cmp.Or(j.Batch.MaxWait, DefaultMaxWait))
		}
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
	if j.Provider != nil || j.Model != "" || j.Enqueued != (sink.Enqueued{}) {
		return errors.New("durable: Job.Routes and Job.Provider, Model or Enqueued are both set: give each route its own")
	}
	if err := j.validateWithin(); err != nil {
		return err
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
		case r.Model == "" && !j.requestsNameModels():
			return fmt.Errorf("durable: Job.Routes[%d].Model is missing: a route can do without only if all do, and the job has a Request without OnlyRouteModels", i)
		case name == "":
			return fmt.Errorf("durable: Job.Routes[%d].Name is missing, as it has no Model", i)
		case r.Model == "" && r.PriceAs != "":
			return fmt.Errorf("durable: Job.Routes[%d] has PriceAs and no Model", i)
		case seen[name]:
			return fmt.Errorf("durable: Job.Routes[%d] is called %q, as another one is: give each a Name", i, name)
		case negative(r.Enqueued):
			return fmt.Errorf("durable: Job.Routes[%d].Enqueued is %+v: must not be negative", i, r.Enqueued)
		case r.Weight < 0 || r.Price < 0:
			return fmt.Errorf("durable: Job.Routes[%d]: Weight and Price must not be negative", i)
		case r.MaxAttempts < 0 || r.MaxAttempts > mostAttempts:
			return fmt.Errorf("durable: Job.Routes[%d].MaxAttempts is %d: must be 0 to %d", i, r.MaxAttempts, mostAttempts)
		case r.MaxInFlight < 0 || r.Window < 0:
			return fmt.Errorf("durable: Job.Routes[%d]: MaxInFlight and Window must not be negative", i)
		case r.Least < 0:
			return fmt.Errorf("durable: Job.Routes[%d].Least is %d: must not be negative", i, r.Least)
		case j.Prompt != nil && r.Provider.Info().Codec == nil:
			return fmt.Errorf("durable: Job.Routes[%d].Provider has no Codec, which Job.Prompt needs: use Job.Request", i)
		}
		seen[name] = true
	}
	return nil
}

// requestsNameModels reports whether no route has a model, and none needs one.
func (j *Job[T]) requestsNameModels() bool {
	hasModel := slices.ContainsFunc(j.Routes, func(r Route) bool { return r.Model != "" })
	return !hasModel && j.Prompt == nil && !j.OnlyRouteModels
}

func negative(e sink.Enqueued) bool { return e.Tokens < 0 || e.Rows < 0 || e.Batches < 0 }

// validateProvider checks the only route of a job without Routes.
func (j *Job[T]) validateProvider() error {
	switch {
	case j.Provider == nil:
		return errors.New("durable: Job.Provider is missing")
	case negative(j.Enqueued):
		return fmt.Errorf("durable: Job.Enqueued is %+v: must not be negative", j.Enqueued)
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
	return Waiting{Key: e.Key, RouteKey: t.RouteKey, Tenant: t.Tenant, Priority: e.Priority(), Deadline: jobdir.TimeOf(e.Deadline), Size: e.Size(), Attempts: e.Attempts()}
}
