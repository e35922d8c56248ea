package snippets_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/batchapi"
	"github.com/balerhq/baler/flow/call"
	"github.com/balerhq/baler/flow/dedup"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/gostreams"
	"github.com/balerhq/baler/flow/intercept"
	"github.com/balerhq/baler/flow/join"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/flow/telemetry"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/sinktest"
)

type (
	// Order is an item.
	Order struct{ id string }
	// Event is an item.
	Event struct{ table string }
	// Reading is an item.
	Reading struct{ minute, sensor int }
	// Item goes through a router.
	Item struct{ key string }
	// Reply comes out of a router.
	Reply struct{ key string }
	// Row goes to go-streams.
	Row struct{}
)

// ID is the key.
func (o Order) ID() string { return o.id }

// Valid is a filter.
func (o Order) Valid() bool { return o.id != "" }

// Valid is a filter.
func (e Event) Valid() bool { return e.table != "" }

// Table is a key.
func (e Event) Table() string { return e.table }

// Deadline is when it is due.
func (e Event) Deadline() time.Time { return time.Time{} }

// Minute is the key.
func (r Reading) Minute() int { return r.minute }

// Sensor is the part.
func (r Reading) Sensor() int { return r.sensor }

// Key is the key.
func (i Item) Key() string { return i.key }

// Key is the key of the item.
func (r Reply) Key() string { return r.key }

// Bad is whether it has failed.
func (r Reply) Bad() bool { return r.key == "" }

func _(buf *accumulator.Buffer[string], v string, weight int, now time.Time, flush func(time.Time)) {
	if !buf.Add(v, weight, now) {
		flush(now)
		buf.Add(v, weight, now) // an empty Buffer takes any item
	}
	if buf.Full() {
		flush(now)
	}
}

func _(p *flow.Pipeline, store dedup.States, orders <-chan []Order, work func(context.Context, Order) error) <-chan []Order {
	keys := dedup.NewKeys(store)
	fresh := flow.Via(p, orders, dedup.New(keys, Order.ID, nil))
	claimed := flow.Via(p, fresh, dedup.Claim(keys, Order.ID))
	done := flow.Via(p, flow.Via(p, claimed, flow.Each(work)), dedup.Settle(keys, Order.ID))
	return done
}

func _(
	ctx context.Context, source iter.Seq2[string, error], parse func(context.Context, string) (Order, error),
	accumulator flow.Stage[Order, accumulator.Batch[Order]], insert func(context.Context, accumulator.Batch[Order]) error,
) error {
	p := flow.New(ctx)
	lines := flow.FromSeq2(p, source)
	orders := flow.Via(p, lines, flow.Map(parse))
	valid := flow.Via(p, orders, flow.Filter(Order.Valid))
	batches := flow.Via(p, valid, accumulator)
	flow.To(p, batches, insert)
	err := p.Wait()
	return err
}

func _(ctx context.Context, in <-chan []Order, use func([]Order)) error {
	for slice := range flow.Slices(ctx, in) {
		use(slice)
	}
	return context.Cause(ctx)
}

func _(ctx context.Context, batches flow.Stage[Row, []Row], insert func(context.Context, []Row) error) *gostreams.Sink {
	sink := gostreams.NewSink(ctx, func(p *flow.Pipeline, rows <-chan []Row) {
		flow.To(p, flow.Via(p, rows, batches), insert)
	})
	return sink
}

func _(p *flow.Pipeline, readings <-chan []Reading) any {
	pairs := flow.Via(p, readings, join.New(Reading.Minute, Reading.Sensor, 2,
		join.Config[int, Reading]{Within: time.Minute}))
	return pairs
}

func _(p *flow.Pipeline, items <-chan []Item, small, large func() flow.Stage[Item, Reply]) (any, error) {
	r, err := router.New(Item.Key, Reply.Key, router.RoundRobin[Item](),
		[]router.Route[Item, Reply]{{Name: "small", Build: small}, {Name: "large", Build: large}},
		router.Config[Item, Reply]{Failed: Reply.Bad})
	if err != nil {
		return nil, err
	}
	replies := flow.Via(p, items, r)
	return replies, nil
}

func _(ctx context.Context, tracer trace.Tracer, logger *slog.Logger, meter metric.Meter) error {
	err := telemetry.Span(ctx, tracer, "import", func(ctx context.Context) error {
		p := flow.New(ctx, flow.WithStats(), telemetry.Spans(tracer), telemetry.Logs(logger))
		metrics, err := telemetry.Metrics(meter, "import", p)
		if err != nil {
			return err
		}
		return errors.Join(p.Wait(), metrics.Unregister())
	})
	return err
}

func _(ctx context.Context, ticket Ticket) (Ticket, error) {
	q := queue.By(Ticket.Deadline, queue.Config{Capacity: 10_000})
	err := q.Push(ctx, ticket)
	if err != nil {
		return Ticket{}, err
	}
	next, err := q.Pop(ctx)
	return next, err
}

func _(p *flow.Pipeline, tickets <-chan []Ticket) <-chan []Ticket {
	urgent := flow.Via(p, tickets, queue.By(Ticket.Deadline, queue.Config{}))
	return urgent
}

func _() {
	queue.New(queue.Aged(Ticket.Priority), queue.Config{Aging: time.Minute})
	queue.New(queue.Fair(Ticket.Priority, Ticket.Customer, Ticket.Tokens), queue.Config{})
}

func _() (any, error) {
	kinds, err := ratelimit.ByKey(Ticket.Kind, map[string]ratelimit.Config{
		"translate": {Slots: 8, Timeout: time.Minute},
		"summarize": {Slots: 2, Timeout: 5 * time.Minute},
	}, ratelimit.Config{Slots: 4, Timeout: time.Minute})
	return kinds, err
}

// chatClient is any client of a model.
type chatClient interface {
	Chat(ctx context.Context, question string) (chatReply, error)
	Models(ctx context.Context) ([]string, error)
}

type chatReply struct{ Usage struct{ Input int } }

func _(ctx context.Context, cost ratelimit.Cost, client chatClient, question string) error {
	limiter, err := ratelimit.NewLimiter(ratelimit.Config{
		Requests:    600,     // a minute
		InputTokens: 600_000, // a minute
		Slots:       32,      // at the same time
	})
	if err != nil {
		return err
	}
	err = limiter.Do(ctx, cost, func(ctx context.Context) (ratelimit.Cost, error) {
		reply, err := client.Chat(ctx, question)
		return ratelimit.Cost{Requests: 1, InputTokens: reply.Usage.Input}, err
	})
	return err
}

func _(limiter *ratelimit.Limiter, taken ratelimit.Cost) {
	limiter.Settle(taken, ratelimit.Cost{Requests: 1, InputTokens: 812})
}

func _(ctx context.Context, client chatClient) ([]string, error) {
	var models []string
	err := retry.Policy{}.Do(ctx, func(ctx context.Context) (err error) {
		models, err = client.Models(ctx)
		return err
	})
	return models, err
}

func _(ctx context.Context, client *http.Client, request *http.Request) error {
	ctx, sent := retry.Watch(ctx)
	reply, err := client.Do(request.WithContext(ctx))
	if err != nil {
		return retry.Transport(retry.EffectCreate, sent.Bool(), err)
	}
	return reply.Body.Close()
}

func _(p *flow.Pipeline, tickets <-chan []Ticket, client sink.Provider, save func(context.Context, sink.Result[Ticket]) error) {
	batches := flow.Via(p, tickets, accumulator.New[Ticket](accumulator.Config{MaxItems: 500, MaxWait: time.Minute}))
	answers := flow.Via(p, batches, sink.New(client, Ticket.Request, sink.Config{}))
	flow.To(p, answers, save)
}

func _() (sink.Provider, error) {
	srv, err := simulator.Start("", simulator.Config{})
	if err != nil {
		return nil, err
	}
	defer srv.Close()
	client, err := openai.New("sk-simulated", openai.Config{BaseURL: srv.URL + "/v1"})
	return client, err
}

func _(key string, use func(sink.Provider) error) error {
	client, err := openai.New(key, openai.Config{BaseURL: "http://127.0.0.1:8000/v1"})
	if err != nil {
		return err
	}
	provider, err := live.New(client, live.Config{
		Dir:    "state/live",
		Rate:   ratelimit.Config{Requests: 600, InputTokens: 600_000, Slots: 32},
		Repeat: true, // asking again is free at a server of one's own
	})
	if err != nil {
		return err
	}
	defer provider.Close()
	return use(provider)
}

func _(t *testing.T, newHarness func(*testing.T) sinktest.Harness) {
	t.Helper()
	sinktest.Run(t, newHarness) // func(*testing.T) sinktest.Harness
}

func _(ctx context.Context, client interface {
	Send(ctx context.Context, mail string) error
}, mail string,
) error {
	server, err := call.New(call.Config{Rate: ratelimit.Per(600, time.Minute)})
	if err != nil {
		return err
	}
	err = server.Do(ctx, func(ctx context.Context) error { return client.Send(ctx, mail) })
	return err
}

func _(meter metric.Meter, paced *ratelimit.KeyStage[Event]) error {
	figures, err := telemetry.Figures(meter, "import", "tenants", paced.Stats)
	if err != nil {
		return err
	}
	return figures.Unregister()
}

func _(send func(*http.Client) error) error {
	dir, err := durable.Open("calls.state")
	if err != nil {
		return err
	}
	calls, err := intercept.New(intercept.Config{Dir: dir, All: true})
	if err != nil {
		return err
	}
	defer calls.Close()
	client := &http.Client{Transport: calls}
	return send(client)
}

func _(connect func(batchapi.Caller) (batchapi.Account, error)) error {
	dir, err := durable.Open("batches.state")
	if err != nil {
		return err
	}
	batches, err := batchapi.New(batchapi.Config{Dir: dir, Connect: connect})
	if err != nil {
		return err
	}
	defer batches.Close()
	server := &http.Server{Addr: "127.0.0.1:4747", Handler: batches, ReadHeaderTimeout: time.Minute}
	return server.ListenAndServe()
}
