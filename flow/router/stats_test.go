package router_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/router"
)

func TestARouterCountsByRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		route := func(name string, do func(context.Context, string) error) router.Route[string, string] {
			return router.Route[string, string]{Name: name, Limit: 3, Build: func() flow.Stage[string, string] { return flow.Each(do) }}
		}
		r, err := router.New(func(s string) string { return s }, func(s string) string { return s }, router.InOrder[string](),
			[]router.Route[string, string]{
				route("fails", func(context.Context, string) error { return nil }),
				route("holds", func(ctx context.Context, _ string) error {
					select {
					case <-hold:
						return nil
					case <-ctx.Done():
						return context.Cause(ctx)
					}
				}),
			}, router.Config[string, string]{Failed: func(s string) bool { return s[0] == 'x' }})
		if err != nil {
			t.Fatal(err)
		}
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		in, out, done := make(chan []string), make(chan []router.Routed[string], 9), make(chan error, 1)
		go func() { done <- r.Run(ctx, in, out) }()
		for _, item := range []string{"x1", "a", "x2", "x3", "x4"} {
			in <- []string{item}
			synctest.Wait()
		}
		want := router.Stats{Waiting: 1, Routes: []router.RouteStats{{Name: "fails", Sent: 5, Failed: 4}, {Name: "holds", Sent: 3, InFlight: 3}}}
		if d := cmp.Diff(want, r.Stats()); d != "" {
			t.Error(d)
		}
		cancel(stop)
		if err := <-done; !errors.Is(err, stop) {
			t.Error(err)
		}
		want.Waiting, want.Routes[1].InFlight = 0, 0
		if d := cmp.Diff(want, r.Stats()); d != "" {
			t.Errorf("a run that has ended holds something: %s", d)
		}
	})
}
