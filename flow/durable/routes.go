package durable

import (
	"cmp"
	"errors"
	"fmt"
	"sync"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/journal"
)

// targets are what the requests of a job say about where they go.
type targets = numbering[jobdir.Target]

func newTargets(j *journal.Journal, known []jobdir.Target) *targets {
	return newNumbering("pairs of endpoint and model", known, func(n int, v jobdir.Target) error {
		return j.Append(jobdir.Line{Target: &jobdir.NumberedTarget{N: n, Target: v}})
	})
}

// routes are the routes of a job's batches. A row takes one when it leaves the
// ready log. Once its batch is sealed, the route stays.
type routes struct {
	*config
	*numbering[jobdir.Route]
	targets *targets

	choosing sync.Mutex
	chosen   map[uint16]uint16 // the route of each target

	limiting sync.Mutex
	limits   map[int]int // what a batch may weigh, in bytes, if that is less than usual
}

func newRoutes(c *config, j *journal.Journal, known []jobdir.Route, t *targets) *routes {
	return &routes{
		config: c, targets: t, chosen: make(map[uint16]uint16), limits: make(map[int]int),
		numbering: newNumbering("routes", known, func(n int, v jobdir.Route) error {
			return j.Append(jobdir.Line{Route: &jobdir.NumberedRoute{N: n, Route: v}})
		}),
	}
}

// choose sets the route of each entry.
func (l *routes) choose(entries []jobdir.Entry) error {
	l.choosing.Lock()
	defer l.choosing.Unlock()
	for i := range entries {
		e := &entries[i]
		n, ok := l.chosen[e.Target]
		if !ok {
			route, err := l.routeTo(l.targets.get(int(e.Target)))
			if err != nil {
				return fmt.Errorf("durable: line %d: %w", e.Line, err)
			}
			if n, err = l.number(route); err != nil {
				return err
			}
			l.chosen[e.Target] = n
		}
		e.Route = n
	}
	return nil
}

// routeTo returns the route of requests with a target. A body stays with the
// provider in whose format it is. A model that a request names comes before the
// job's.
func (c *config) routeTo(t jobdir.Target) (jobdir.Route, error) {
	info := c.serviceFor(t).info
	r := jobdir.Route{Provider: info.Name, Origin: info.Origin, Endpoint: t.Endpoint, Model: cmp.Or(t.Model, c.model)}
	switch {
	case t.Provider != "" && t.Provider != info.Name:
		return r, fmt.Errorf("the request is in the format of %s and cannot go to %s", t.Provider, info.Name)
	case r.Model == "":
		return r, errors.New("neither the request nor the job names a model: set Job.Model")
	case t.Endpoint != "":
		return r, nil
	case info.Codec == nil:
		return r, fmt.Errorf("%s has no codec for chats", info.Name)
	}
	r.Endpoint, r.Revision = info.Codec.Endpoint(), info.Codec.Revision()
	return r, nil
}

// serviceFor returns the service for requests with a target: one of the
// provider in whose format they are, or else the first.
func (c *config) serviceFor(t jobdir.Target) *service {
	for _, s := range c.services {
		if s.info.Name == t.Provider {
			return s
		}
	}
	return c.first()
}

func weigh(entries []jobdir.Entry) (total int) {
	for _, e := range entries {
		total += e.Weight()
	}
	return total
}

// cut returns as many of the entries as their route allows in a batch, and the
// rest.
func (l *routes) cut(entries []jobdir.Entry) (batch, rest []jobdir.Entry) {
	limit := l.limitOf(int(entries[0].Route))
	if limit == 0 {
		return entries, nil
	}
	weight := entries[0].Weight()
	for i := range entries[1:] {
		if weight += entries[i+1].Weight(); weight > limit {
			return entries[:i+1], entries[i+1:]
		}
	}
	return entries, nil
}

func (l *routes) limitOf(n int) int {
	l.limiting.Lock()
	defer l.limiting.Unlock()
	return l.limits[n]
}

// narrow lowers what a batch of the route may weigh, in bytes.
func (l *routes) narrow(n, bytes int) {
	l.limiting.Lock()
	defer l.limiting.Unlock()
	l.limits[n] = narrow(l.limits[n], bytes)
}
