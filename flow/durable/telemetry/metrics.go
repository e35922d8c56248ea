package telemetry

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// metrics are the instruments. A nil *metrics records nothing.
type metrics struct {
	duration, inState, fill, tokens, size metric.Float64Histogram
	results, retries                      metric.Int64Counter
	rows, open, limit                     metric.Int64ObservableGauge
	usable, notices                       metric.Int64ObservableGauge
	read, bought, refused                 metric.Int64ObservableCounter
	reused                                metric.Int64ObservableCounter
	cost, saved                           metric.Float64ObservableCounter
	reserved, budget                      metric.Float64ObservableGauge

	registration metric.Registration
}

// The buckets. A batch takes minutes to a day, and a row has up to a million
// tokens.
var (
	secondBuckets = []float64{1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 48 * 3600}
	tokenBuckets  = []float64{1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576}
	sizeBuckets   = []float64{1, 10, 100, 500, 1000, 5000, 10_000, 50_000, 100_000}
	fillBuckets   = []float64{0.1, 0.25, 0.5, 0.75, 0.9, 0.99}
)

// dollars is the unit of money.
const dollars = "{USD}"

// maker makes instruments, and keeps the errors.
type maker struct {
	metric.Meter
	err error
}

func newMetrics(meter metric.Meter) (*metrics, error) {
	m := &maker{Meter: meter}
	all := &metrics{
		duration: m.histogram("gen_ai.client.operation.duration", "s", "How long the provider took for a batch.", secondBuckets),
		inState:  m.histogram("baler.batch.state.duration", "s", "How long a batch was in a state.", secondBuckets),
		fill:     m.histogram("baler.batch.fill", "1", "The share of its limits that a batch uses.", fillBuckets),
		tokens:   m.histogram("gen_ai.client.token.usage", "{token}", "The tokens of a row.", tokenBuckets),
		size:     m.histogram("baler.batch.size", "{row}", "The rows of a batch.", sizeBuckets),
		results:  m.counter("baler.rows.results", "{row}", "Rows that got their result in this process."),
		retries:  m.counter("baler.rows.retries", "{row}", "Attempts beyond the first of rows that got their result."),
		rows:     m.gauge("baler.rows", "{row}", "Rows by state."),
		open:     m.gauge("baler.batches", "{batch}", "Open batches by state."),
		limit:    m.gauge("baler.batch.limit", "{row}", "Rows that an open batch might have had."),
		usable:   m.gauge("baler.route.usable", "1", "0 while a route is paused, down or blocked."),
		notices:  m.gauge("baler.notices", "{notice}", "Current notices by kind."),
		read:     m.total("baler.rows.read", "{row}", "Distinct rows that were read."),
		bought:   m.total("baler.batches.bought", "{batch}", "Batches that were bought."),
		refused:  m.total("baler.batches.refused", "{batch}", "Times that the provider refused a batch."),
		cost:     m.amount("baler.cost", "What settled rows have cost."),
		reused:   m.total("baler.calls.reused", "{call}", "Calls that got an answer without a row of their own."),
		saved:    m.amount("baler.calls.saved", "What these answers cost at the price for single requests."),
		reserved: m.amountNow("baler.cost.reserved", "What open batches may yet cost."),
		budget:   m.amountNow("baler.budget.left", "What is left of the budget."),
	}
	return all, m.err
}

func (m *maker) histogram(name, unit, description string, buckets []float64) metric.Float64Histogram {
	i, err := m.Float64Histogram(name, metric.WithUnit(unit), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(buckets...))
	m.err = errors.Join(m.err, err)
	return i
}

func (m *maker) counter(name, unit, description string) metric.Int64Counter {
	i, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	m.err = errors.Join(m.err, err)
	return i
}

func (m *maker) gauge(name, unit, description string) metric.Int64ObservableGauge {
	i, err := m.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	m.err = errors.Join(m.err, err)
	return i
}

// amount makes a counter of money.
func (m *maker) amount(name, description string) metric.Float64ObservableCounter {
	i, err := m.Float64ObservableCounter(name, metric.WithUnit(dollars), metric.WithDescription(description))
	m.err = errors.Join(m.err, err)
	return i
}

// amountNow makes a gauge of money.
func (m *maker) amountNow(name, description string) metric.Float64ObservableGauge {
	i, err := m.Float64ObservableGauge(name, metric.WithUnit(dollars), metric.WithDescription(description))
	m.err = errors.Join(m.err, err)
	return i
}

// total makes a counter of what the job counts itself.
func (m *maker) total(name, unit, description string) metric.Int64ObservableCounter {
	i, err := m.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	m.err = errors.Join(m.err, err)
	return i
}
