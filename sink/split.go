package sink

import (
	"encoding/json"
	"fmt"

	"github.com/balerhq/baler/retry"
)

// rowOverhead is what a provider's envelope adds to a body at the most.
const rowOverhead = 256

// entry is an item on its way.
type entry[T any] struct {
	item     T
	body     json.RawMessage
	attempts int
}

// route is what all rows of a batch have in common.
type route struct{ endpoint, model string }

// lot is a batch as the provider takes it.
type lot[T any] struct {
	route
	entries []entry[T]
	bytes   int64
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
		size := int64(len(body)) + rowOverhead
		l := open[to]
		if l == nil || !l.fits(size, r.courier.provider.Limits(to.model)) {
			l = &lot[T]{route: to}
			lots = append(lots, l)
			open[to] = l
		}
		l.entries = append(l.entries, entry[T]{item: item, body: body})
		l.bytes += size
	}
	return lots, refused
}

func (l *lot[T]) fits(size int64, limits Limits) bool {
	return (limits.Rows == 0 || len(l.entries) < limits.Rows) && (limits.Bytes == 0 || l.bytes+size <= limits.Bytes)
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
	if most := r.courier.provider.Limits(req.Model).Bytes; most > 0 && int64(len(req.Body))+rowOverhead > most {
		return route{}, nil, refusal("too_large", fmt.Errorf("the request has %d bytes and a whole batch %d", len(req.Body), most))
	}
	return route{req.Endpoint, req.Model}, req.Body, nil
}

func refusal(code string, err error) *RowError {
	return &RowError{Class: retry.Permanent, Code: code, Message: err.Error()}
}
