package telemetry

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/balerhq/baler/flow/durable"
)

// Config says where the telemetry of jobs goes.
type Config struct {
	Meter  metric.Meter // gets the metrics; nil means none
	Tracer trace.Tracer // gets the spans; nil means none
}

// Telemetry shows any number of jobs. It is safe for concurrent use.
type Telemetry struct {
	metrics *metrics // nil if there are none
	tracer  trace.Tracer

	mu   sync.Mutex
	jobs map[string]*job
}

// New returns telemetry that nothing is attached to yet. It fails if the meter
// does.
func New(c Config) (*Telemetry, error) {
	t := &Telemetry{tracer: c.Tracer, jobs: make(map[string]*job)}
	if c.Meter == nil {
		return t, nil
	}
	m, err := newMetrics(c.Meter)
	if err == nil {
		err = m.register(c.Meter, t.jobsNow)
	}
	if err != nil {
		return nil, fmt.Errorf("telemetry: metrics of jobs: %w", err)
	}
	t.metrics = m
	return t, nil
}

// Close ends the spans that are open, and reports no gauges any more.
func (t *Telemetry) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	for _, j := range t.jobs {
		j.end(now)
	}
	t.jobs = make(map[string]*job)
	if t.metrics == nil {
		return nil
	}
	return t.metrics.registration.Unregister()
}

// Attach shows what a job does from now on. Functions that the job calls
// already are called as before.
func Attach[T any](j *durable.Job[T], t *Telemetry) {
	j.AlsoObserve(t.Observe)
	name, before := j.Name, j.Progress
	j.Progress = func(p durable.Progress) {
		t.Progress(name, p)
		if before != nil {
			before(p)
		}
	}
}

// Observe takes an event of a job.
func (t *Telemetry) Observe(e durable.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.job(e.Job)
	switch {
	case e.Run != nil:
		t.run(j, e.At, e.Run)
	case e.Batch != nil:
		t.batch(j, e.At, e.Batch)
	case e.Row != nil:
		t.metrics.row(j, e.Row)
	case e.Route != nil:
		j.usable[e.Route.Route] = e.Route.State == durable.RouteResumed || e.Route.State == durable.RouteUp || e.Route.State == durable.RouteFailing
	case e.Notice != nil:
		j.notice(e.Notice)
	case e.Reuse != nil:
		j.reuse = e.Reuse
	}
}

// Progress takes the counts of a job.
func (t *Telemetry) Progress(name string, p durable.Progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.job(name).progress = p
}

func (t *Telemetry) job(name string) *job {
	j := t.jobs[name]
	if j == nil {
		j = newJob(name)
		t.jobs[name] = j
	}
	return j
}

// run notes that a run is in another state.
func (t *Telemetry) run(j *job, at time.Time, e *durable.RunEvent) {
	switch e.State {
	case durable.StateStopped, durable.StateCompleted, durable.StateCancelled:
		if j.run != nil && e.State == durable.StateStopped && e.Reason != "" {
			fail(j.run, errors.New("stopped"))
		}
		j.end(at)
	case durable.StateRunning, durable.StatePaused, durable.StateCancelling:
		j.begin(t.tracer, at)
	}
	if j.run != nil {
		j.run.SetAttributes(stateKey.String(string(e.State)))
	}
}

// batch notes that a batch is in another state.
func (t *Telemetry) batch(j *job, at time.Time, e *durable.BatchEvent) {
	b := j.batches[e.Tag]
	if b == nil {
		b = &batch{event: e, since: at}
		b.span = j.startBatch(t.tracer, at, e)
		j.batches[e.Tag] = b
		t.metrics.made(j, e)
	} else {
		t.metrics.moved(j, b, at)
	}
	if e.State == ended && b.event.State == submitted {
		t.metrics.answered(j, e, at)
	}
	b.event, b.since = e, at
	if e.Batch != "" {
		j.named[e.Batch] = b
	}
	b.describe(e)
	if e.State == cleaned || e.State == committed {
		b.end(at)
	}
	if e.State == cleaned {
		delete(j.batches, e.Tag)
		delete(j.named, e.Batch)
	}
}

// These are states of batches that mean something here.
const (
	submitted = "submitted"
	ended     = "ended"
	committed = "committed"
	cleaned   = "cleaned"
)
