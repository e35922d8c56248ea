package durable

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/internal/journal"
	"github.com/balerhq/baler/sink"
)

// targets are what the requests of a job say about where they go.
type targets = numbering[jobdir.Target]

func newTargets(j *journal.Journal, known []jobdir.Target) *targets {
	return newNumbering("combinations of endpoint, model, route key and tenant", known, func(n int, v jobdir.Target) error {
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
	chosen   map[choice]uint16 // the number of a route
	fitting  []int             // of own, scratch
	left     []int             // of these, scratch
	states   []router.State    // of these, scratch
	load     *routeLoad

	limiting sync.Mutex
	limits   map[int]int // what a batch may weigh, in bytes, if that is less than usual
}

// choice is a route of the job for requests with a target.
type choice struct {
	own    int
	target uint16
}

func newRoutes(c *config, j *journal.Journal, known []jobdir.Route, t *targets) *routes {
	return &routes{
		config: c, targets: t, chosen: make(map[choice]uint16), limits: make(map[int]int), load: newRouteLoad(len(c.own)),
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
		n, err := l.chooseOne(e)
		if err != nil {
			return fmt.Errorf("durable: line %d: %w", e.Line, err)
		}
		e.Route = n
	}
	return nil
}

// chooseOne returns the number of the route that an entry takes.
func (l *routes) chooseOne(e *jobdir.Entry) (uint16, error) {
	t := l.targets.get(int(e.Target))
	fitting, err := l.fit(e, t)
	if err != nil {
		return 0, err
	}
	if t.Every {
		fitting, err = l.only(fitting, &t)
	} else {
		fitting = l.narrowed(fitting, e)
	}
	if err != nil {
		return 0, err
	}
	own := fitting[0]
	if len(fitting) > 1 && l.config.choose != nil {
		l.states = l.load.states(l.states[:0], fitting, l.own)
		own = fitting[l.config.choose(waiting(e, t), l.states)]
	}
	n, err := l.numberOf(own, e.Target, t)
	if err == nil {
		l.load.chose(own, e)
	}
	return n, err
}

// numberOf returns the number of one of the job's routes for requests with a
// target.
func (l *routes) numberOf(own int, target uint16, t jobdir.Target) (uint16, error) {
	key := choice{own, target}
	if n, known := l.chosen[key]; known {
		return n, nil
	}
	route, err := l.own[own].routeTo(t)
	if err != nil {
		return 0, err
	}
	if err := l.prices.mustBeKnown(route); err != nil {
		return 0, err
	}
	n, err := l.number(route)
	if err == nil {
		l.chosen[key] = n
	}
	return n, err
}

// fit returns the routes of the job that can take an entry. A body stays with
// the provider in whose format it is.
func (l *routes) fit(e *jobdir.Entry, t jobdir.Target) ([]int, error) {
	l.fitting = l.fitting[:0]
	for n, own := range l.own {
		if own.takes(t) && !own.tooLarge(e) {
			l.fitting = append(l.fitting, n)
		}
	}
	switch first := l.first().info.Name; {
	case len(l.fitting) > 0:
		return l.fitting, nil
	case t.Provider != "" && !slices.ContainsFunc(l.services, func(s *service) bool { return s.info.Name == t.Provider }):
		return nil, fmt.Errorf("the request is in the format of %s and cannot go to %s", t.Provider, first)
	case t.Provider == "" && !slices.ContainsFunc(l.services, func(s *service) bool { return s.info.Codec != nil }):
		return nil, fmt.Errorf("%s has no codec for chats", first)
	}
	return nil, errors.New("the request is larger than a batch of any route that could take it")
}

// takes reports whether requests with a target can take the route.
func (r *ownRoute) takes(t jobdir.Target) bool {
	if t.Provider != "" {
		return t.Provider == r.service.info.Name
	}
	return t.Endpoint != "" || r.service.info.Codec != nil
}

func (r *ownRoute) tooLarge(e *jobdir.Entry) bool {
	return r.limits.Bytes > 0 && int64(e.Weight()) > r.limits.Bytes || certainlyAbove(e.Asked(), r.limits.Enqueued.Tokens)
}

// routeTo returns the route as a batch takes it. The model that a request names
// comes before that of a job without Routes.
func (r *ownRoute) routeTo(t jobdir.Target) (jobdir.Route, error) {
	info := r.service.info
	route := jobdir.Route{
		Name: r.name, Provider: info.Name, Origin: info.Origin, Live: info.Live,
		Endpoint: t.Endpoint, Model: cmp.Or(t.Model, r.model),
	}
	if route.Model == "" {
		return route, errors.New("neither the request nor the job names a model: set Job.Model")
	}
	if t.Endpoint != "" {
		return route, nil
	}
	route.Endpoint, route.Revision = info.Codec.Endpoint(), info.Codec.Revision()
	if info.OneSchema {
		route.Schema = t.Schema
	}
	if len(r.options) > 0 {
		options, err := json.Marshal(r.options)
		if err != nil {
			return route, fmt.Errorf("the options of the route %q: %w", r.name, err)
		}
		route.Options = string(options)
	}
	return route, nil
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
	return l.cutFor(int(entries[0].Route), entries)
}

// cutFor does the same for any route.
func (l *routes) cutFor(n int, entries []jobdir.Entry) (batch, rest []jobdir.Entry) {
	most := l.serviceOf(n).Limits(l.get(n).Model)
	batch = entries
	if rows := most.Rows; rows > 0 && len(batch) > rows {
		batch = batch[:rows]
	}
	if tokens := l.tokensOf(n); tokens > 0 {
		batch = cutTokens(batch, tokens)
	}
	batch, _ = l.cutBytes(batch, narrow(l.limitOf(n), int(most.Bytes)))
	return batch, entries[len(batch):]
}

// tokensOf returns how many tokens a batch of a route may have, 0 if there is
// no limit: no more than may be enqueued.
func (l *routes) tokensOf(n int) int64 {
	info := l.serviceOf(n).info
	enqueued := l.rooms.most(placeOf(info.Account, l.get(n).Model, info.Live), l.enqueued(n).Tokens)
	return int64(narrow(int(l.maxTokens), int(enqueued)))
}

// cutTokens returns as many entries as have that many tokens, at least one. If
// several batches are needed, they are about as large.
func cutTokens(entries []jobdir.Entry, most int64) []jobdir.Entry {
	all := tokensOf(entries)
	if all <= most {
		return entries
	}
	batches := (all + most - 1) / most
	share := min((all+batches-1)/batches+all/int64(len(entries)), most)
	bytes := 0
	for i := range entries {
		if bytes += entries[i].Asked(); i > 0 && jobdir.TokensIn(bytes) > share {
			return entries[:i]
		}
	}
	return entries
}

func (*routes) cutBytes(entries []jobdir.Entry, limit int) (batch, rest []jobdir.Entry) {
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

// isOut reports whether nothing is bought by the route of a batch.
func (l *routes) isOut(route int) bool {
	own := l.ownOf(route)
	return own >= 0 && l.own[own].out()
}

// enqueued returns what is known of how much the account may have enqueued. A
// live route enqueues nothing.
func (l *routes) enqueued(n int) sink.Enqueued {
	if l.serviceOf(n).info.Live {
		return sink.Enqueued{}
	}
	most := l.serviceOf(n).Limits(l.get(n).Model).Enqueued
	if own := l.ownOf(n); own >= 0 {
		return l.own[own].enqueued.Or(most)
	}
	return most
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
