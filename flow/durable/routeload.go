package durable

import (
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/internal/intent"
)

// routeLoad counts what is on its way on each route of the job, for strategies
// that go by it.
type routeLoad struct {
	mu     sync.Mutex
	routes []load
	open   map[string]batchLoad // by tag
}

// load is that of a route.
type load struct {
	rows, bytes int
	latency     time.Duration // moving average of the time from sending to the end
}

// batchLoad is the load of an open batch.
type batchLoad struct{ own, rows, bytes int }

func newRouteLoad(n int) *routeLoad {
	return &routeLoad{routes: make([]load, n), open: make(map[string]batchLoad)}
}

// states appends what a strategy sees of some routes.
func (r *routeLoad) states(dst []router.State, which []int, own []*ownRoute) []router.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range which {
		s, l := own[n].state, &r.routes[n]
		s.InFlight, s.Load, s.Latency = l.rows, float64(l.bytes)/jobdir.BytesPerToken, l.latency
		dst = append(dst, s)
	}
	return dst
}

// chose counts an entry that has taken a route.
func (r *routeLoad) chose(n int, e *jobdir.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.routes[n].rows++
	r.routes[n].bytes += e.Size()
}

// left takes back that an entry has taken a route.
func (r *routeLoad) left(n int, e *jobdir.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.routes[n].rows--
	r.routes[n].bytes -= e.Size()
}

// giveBack takes back that entries have taken their routes.
func (l *routes) giveBack(entries []jobdir.Entry) {
	for i := range entries {
		if n := l.ownOf(int(entries[i].Route)); n >= 0 {
			l.load.left(n, &entries[i])
		}
	}
}

// sealed notes what a batch has of the load of a route.
func (r *routeLoad) sealed(n int, tag string, entries []jobdir.Entry) {
	if n < 0 {
		return
	}
	b := batchLoad{own: n, rows: len(entries)}
	for i := range entries {
		b.bytes += entries[i].Size()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[tag] = b
}

// recovered adds the load of a batch of an earlier process.
func (r *routeLoad) recovered(n int, tag string, entries []jobdir.Entry) {
	if n < 0 {
		return
	}
	for i := range entries {
		r.chose(n, &entries[i])
	}
	r.sealed(n, tag, entries)
}

// moved notes that a batch has taken a step: how long it took, if it has ended,
// and that it is no load any more, if it is done.
func (r *routeLoad) moved(was, in intent.Intent, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.open[in.Tag]
	if !ok {
		return
	}
	l := &r.routes[b.own]
	if endedWell(was, in) {
		took := max(now.Sub(in.SentAt), 0)
		if l.latency == 0 {
			l.latency = took
		}
		l.latency += (took - l.latency) / 5
	}
	if in.Done() {
		l.rows, l.bytes = l.rows-b.rows, l.bytes-b.bytes
		delete(r.open, in.Tag)
	}
}
