package durable

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// validateEveryRoute refuses what would let an item of a job with EveryRoute
// take another route.
func (j *Job[T]) validateEveryRoute() error {
	if !j.EveryRoute {
		return nil
	}
	switch {
	case len(j.Routes) < 2:
		return errors.New("durable: Job.EveryRoute is for a job with several Routes")
	case j.Choose != nil:
		return errors.New("durable: Job.EveryRoute and Job.Choose are both set, and each says which route an item takes")
	case j.Failover != "" && j.Failover != FailoverNever:
		return fmt.Errorf("durable: Job.Failover is %q beside EveryRoute, where no item takes another route: leave it out", string(j.Failover))
	}
	for i, r := range j.Routes {
		switch {
		case r.Least > 0 || r.Within > 0:
			return fmt.Errorf("durable: Job.Routes[%d] has Least or Within beside EveryRoute, where no item takes another route", i)
		case strings.Contains(r.Name, jobdir.RouteMark) || r.Name == "" && strings.Contains(r.Model, jobdir.RouteMark):
			return fmt.Errorf("durable: Job.Routes[%d] has a name with %q, which ends the keys of items with EveryRoute: give it another Name", i, jobdir.RouteMark)
		}
	}
	return nil
}

// routesSetting is what the settings of a job with EveryRoute have the names of
// its routes under.
const routesSetting = "EveryRoute"

// withRoutes returns the settings with the names of the routes that each item
// takes: they must not change, since items that were read would lack one.
func withRoutes(settings map[string]string, own []*ownRoute) map[string]string {
	names := make([]string, len(own))
	for i := range own {
		names[i] = own[i].name
	}
	all := maps.Clone(settings)
	if all == nil {
		all = make(map[string]string)
	}
	all[routesSetting] = strings.Join(names, ", ")
	return all
}

// setFirst makes a row that of the first of the routes which its item takes.
func (r *reader[T]) setFirst(out *row) error {
	if !r.job.EveryRoute {
		return nil
	}
	if out.request.target.Provider != "" {
		return errors.New("the request is no chat that can be read, so that it stays with its provider, and Job.EveryRoute asks all: write it as a chat")
	}
	out.itemKey = out.key
	own := r.requests.own[0]
	if only := out.request.target.RouteKey; only != "" {
		n := slices.IndexFunc(r.requests.own, func(own *ownRoute) bool { return own.name == only })
		if n < 0 {
			return fmt.Errorf("the item's route key is %q, and no route has that name", only)
		}
		own, out.only = r.requests.own[n], true
	}
	out.take(own)
	for _, own := range r.requests.own {
		if n := len(jobdir.KeyOn(out.itemKey, own.name)); n > maxKey {
			return fmt.Errorf("the item's key and the name of the route %q have %d bytes: at most %d", own.name, n, maxKey)
		}
	}
	return nil
}

// take makes a row that of a route.
func (r *row) take(own *ownRoute) {
	r.key = jobdir.KeyOn(r.itemKey, own.name)
	r.request.target.RouteKey, r.request.target.Every = own.name, true
}

// onOthers returns the rows of an item at the routes after the first.
func (r *reader[T]) onOthers(first *row) (more []row) {
	if !r.job.EveryRoute || first.only {
		return nil
	}
	for _, own := range r.requests.own[1:] {
		next := *first
		next.take(own)
		more = append(more, next)
	}
	return more
}

// only returns the route that a row of a job with EveryRoute takes, among those
// that can take it.
func (c *config) only(fitting []int, t *jobdir.Target) ([]int, error) {
	for _, n := range fitting {
		if c.own[n].name == t.RouteKey {
			return append(fitting[:0], n), nil
		}
	}
	return nil, fmt.Errorf("the item cannot take the route %q, which Job.EveryRoute wants: it is larger than a batch there, or the route is gone", t.RouteKey)
}

// mustFit refuses a row that is too large for a route that it has to take.
func (c *config) mustFit(e *jobdir.Entry, t *jobdir.Target) error {
	for _, own := range c.own {
		if t.Every && own.name == t.RouteKey && own.tooLarge(e) {
			return own.named(errors.New("the request is larger than a batch of the route, or than what its account may have enqueued"))
		}
	}
	return nil
}
