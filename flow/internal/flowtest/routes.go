package flowtest

import (
	"context"
	"slices"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/router"
)

// Reply is what a test route makes of an item.
type Reply struct {
	Item string
	By   string
	Bad  bool
}

type (
	// Route gets texts replied to.
	Route = router.Route[string, Reply]
	// Routed is a reply with the way it came.
	Routed = router.Routed[Reply]
)

// ItemKey identifies an item.
func ItemKey(s string) string { return s }

// ReplyKey is the key of the item that a reply is for.
func ReplyKey(r Reply) string { return r.Item }

// ReplyFailed reports whether a reply is bad.
func ReplyFailed(r Reply) bool { return r.Bad }

// Answers is a route that replies well.
func Answers(name string) Route { return RouteThat(name, func(string) bool { return false }) }

// FailsAll is a route that replies badly.
func FailsAll(name string) Route { return RouteThat(name, func(string) bool { return true }) }

// RouteThat answers in its name, and badly where bad says so.
func RouteThat(name string, bad func(string) bool) Route {
	return Route{Name: name, Build: func() flow.Stage[string, Reply] {
		return flow.Map(func(_ context.Context, s string) (Reply, error) {
			return Reply{Item: s, By: name, Bad: bad(s)}, nil
		})
	}}
}

// Gathers answers only when n items are there or the input ends, as a batch
// does.
func Gathers(n int, l Route) Route {
	build := l.Build
	l.Build = func() flow.Stage[string, Reply] {
		return flow.Compose(func(p *flow.Pipeline, in <-chan []string) <-chan []Reply {
			batches := flow.Via(p, in, flow.StageFunc[string, string](
				func(ctx context.Context, in <-chan []string, out chan<- []string) error {
					var held []string
					for slice := range flow.Slices(ctx, in) {
						held = append(held, slice...)
						for len(held) >= n {
							if err := flow.Send(ctx, out, slices.Clone(held[:n])); err != nil {
								return err
							}
							held = held[n:]
						}
					}
					return flow.Send(ctx, out, held)
				}))
			return flow.Via(p, batches, build())
		})
	}
	return l
}
