package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/balerhq/baler/flow/durable"
)

// register lets the meter ask for what the jobs are at when it is collected.
func (m *metrics) register(meter metric.Meter, visit func(func(*job))) (err error) {
	m.registration, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		visit(func(j *job) { m.observe(o, j) })
		return nil
	}, m.rows, m.open, m.limit, m.usable, m.notices, m.read, m.bought, m.refused, m.cost, m.reserved, m.budget, m.reused, m.saved)
	return err
}

// jobsNow calls a function for each job.
func (t *Telemetry) jobsNow(visit func(*job)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, j := range t.jobs {
		visit(j)
	}
}

// observeMoney observes what the job has spent, by who was paid, and may yet
// spend.
func (m *metrics) observeMoney(o metric.Observer, j *job) {
	s, of := &j.progress.Spending, jobKey.String(j.name)
	costs := make(map[attribute.Set]int64)
	for i := range j.progress.Routes {
		r := &j.progress.Routes[i]
		set := ofBatch(j.name, &durable.BatchEvent{Route: r.Name, Provider: r.Provider, Endpoint: r.Endpoint, Model: r.Model})
		costs[set] += int64(r.Cost)
	}
	for set, cost := range costs {
		o.ObserveFloat64(m.cost, inDollars(cost), metric.WithAttributeSet(set))
	}
	o.ObserveFloat64(m.reserved, inDollars(int64(s.Reserved)), metric.WithAttributes(of))
	if s.Budget > 0 {
		o.ObserveFloat64(m.budget, inDollars(int64(s.Left())), metric.WithAttributes(of))
	}
}

// observeReuse observes which answers were given again, if any were.
func (m *metrics) observeReuse(o metric.Observer, j *job) {
	r, of := j.reuse, jobKey.String(j.name)
	if r == nil {
		return
	}
	o.ObserveInt64(m.reused, int64(r.Hits), metric.WithAttributes(of, reuseKey.String("hit")))
	o.ObserveInt64(m.reused, int64(r.Shared), metric.WithAttributes(of, reuseKey.String("shared")))
	o.ObserveFloat64(m.saved, inDollars(int64(r.Saved)), metric.WithAttributes(of))
}

// inDollars converts an amount of price.Money.
func inDollars(amount int64) float64 { return float64(amount) / 1e12 }

func (m *metrics) observe(o metric.Observer, j *job) {
	p, of := &j.progress, jobKey.String(j.name)
	open, states, limits := 0, make(map[attribute.Set]int64), make(map[attribute.Set]int64)
	for _, b := range j.batches {
		if b.event.State == committed {
			continue // its rows are settled
		}
		open += b.event.Rows
		set := ofBatch(j.name, b.event)
		states[attribute.NewSet(append(set.ToSlice(), batchStateKey.String(b.event.State))...)]++
		if b.event.Flush != nil && b.event.Flush.Limit > 0 {
			limits[set] = int64(b.event.Flush.Limit)
		}
	}
	for state, n := range map[string]int{
		"succeeded": p.Succeeded, "failed": p.Failed, "in_batch": open, "waiting": max(0, p.Rows-p.Settled()-open),
	} {
		o.ObserveInt64(m.rows, int64(n), metric.WithAttributes(of, rowsStateKey.String(state)))
	}
	o.ObserveInt64(m.read, int64(p.Rows), metric.WithAttributes(of))
	o.ObserveInt64(m.bought, int64(p.Batches), metric.WithAttributes(of))
	o.ObserveInt64(m.refused, int64(p.Refused), metric.WithAttributes(of))
	m.observeMoney(o, j)
	m.observeReuse(o, j)
	for set, n := range states {
		o.ObserveInt64(m.open, n, metric.WithAttributeSet(set))
	}
	for set, n := range limits {
		o.ObserveInt64(m.limit, n, metric.WithAttributeSet(set))
	}
	for route, usable := range j.usable {
		n := int64(0)
		if usable {
			n = 1
		}
		o.ObserveInt64(m.usable, n, metric.WithAttributes(of, routeKey.String(route)))
	}
	kinds := make(map[string]int64)
	for _, kind := range j.notices {
		kinds[string(kind)]++
	}
	for kind, n := range kinds {
		o.ObserveInt64(m.notices, n, metric.WithAttributes(of, noticeKey.String(kind)))
	}
}
