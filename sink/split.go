package sink

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/balerhq/baler/retry"
)

// rowOverhead is what a provider's envelope adds to a body at the most.
const rowOverhead = 256

// entry is an item on its way.
type entry[T any] struct {
	item     T
	body     json.RawMessage
	attempts int // batches that it was part of
	sent     int // those of them that were not refused as a whole
}

func (e *entry[T]) size() int64 { return int64(len(e.body)) + rowOverhead }

// route is what all rows of a batch have in common.
type route struct{ endpoint, model string }

// lot is a batch as the provider takes it.
type lot[T any] struct {
	route
	entries []entry[T]
	bytes   int64
	limits  Limits // when it was begun; they may narrow meanwhile
	again   bool   // its rows failed before
}

func (l *lot[T]) bodies() []Row {
	rows := make([]Row, len(l.entries))
	for i := range l.entries {
		rows[i].Body = l.entries[i].body
	}
	return rows
}

// split makes lots of items, in their order, none larger than the provider
// takes. Items that no batch can hold are refused.
func (r *run[T]) split(items []T) (lots []*lot[T], refused []Result[T]) {
	open := make(map[route]*lot[T])
	for _, item := range items {
		to, body, err := r.prepare(item)
		if err != nil {
			refused = append(refused, Result[T]{Item: item, Answer: Answer{Err: err}})
			continue
		}
		e := entry[T]{item: item, body: body}
		l := open[to]
		if l == nil || !l.fits(e.size()) {
			l = &lot[T]{route: to, limits: r.limits(to)}
			lots = append(lots, l)
			open[to] = l
		}
		l.entries = append(l.entries, e)
		l.bytes += e.size()
	}
	return lots, refused
}

func (l *lot[T]) fits(size int64) bool {
	return (l.limits.Rows == 0 || len(l.entries) < l.limits.Rows) && (l.limits.Bytes == 0 || l.bytes+size <= l.limits.Bytes)
}

// prepare is the request of an item with its body checked and on one line.
func (r *run[T]) prepare(item T) (route, json.RawMessage, error) {
	req, err := r.request(item)
	if err != nil {
		return route{}, nil, refusal("invalid_request", err)
	}
	if err := req.checkRoute(); err != nil {
		return route{}, nil, refusal("invalid_request", err)
	}
	if err := req.checkBody(); err != nil {
		return route{}, nil, refusal("invalid_json", err)
	}
	if r.codec != nil {
		if err := r.codec.Check(req.Endpoint, req.Body); err != nil {
			return route{}, nil, refusal("invalid_request", err)
		}
	}
	if most := r.buyer.provider.Limits(req.Model).Bytes; most > 0 && int64(len(req.Body))+rowOverhead > most {
		return route{}, nil, refusal("too_large", fmt.Errorf("the request has %d bytes and a whole batch %d", len(req.Body), most))
	}
	return route{req.Endpoint, req.Model}, req.Body, nil
}

func refusal(code string, err error) *RowError {
	return &RowError{Class: retry.Permanent, Code: code, Message: err.Error()}
}

// narrowed holds what the batches of a route may have, in bytes, after a batch
// was too large.
type narrowed struct {
	mu    sync.Mutex
	bytes map[route]int64
}

// limits returns the limits of the next batch of a route.
func (r *run[T]) limits(to route) Limits {
	limits := r.buyer.provider.Limits(to.model)
	r.narrowed.mu.Lock()
	defer r.narrowed.mu.Unlock()
	if most, ok := r.narrowed.bytes[to]; ok && (limits.Bytes == 0 || most < limits.Bytes) {
		limits.Bytes = most
	}
	return limits
}

// halve makes two lots of one that was too large. The later batches of its
// route are not larger than they.
func (r *run[T]) halve(l *lot[T]) []*lot[T] {
	middle := (len(l.entries) + 1) / 2
	halves := []*lot[T]{{route: l.route, entries: l.entries[:middle:middle]}, {route: l.route, entries: l.entries[middle:]}}
	for _, half := range halves {
		for i := range half.entries {
			half.bytes += half.entries[i].size()
		}
	}
	r.narrowed.mu.Lock()
	defer r.narrowed.mu.Unlock()
	if r.narrowed.bytes == nil {
		r.narrowed.bytes = make(map[route]int64)
	}
	most := max(halves[0].bytes, halves[1].bytes)
	if was, ok := r.narrowed.bytes[l.route]; !ok || most < was {
		r.narrowed.bytes[l.route] = most
	}
	return halves
}
