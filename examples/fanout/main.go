// Fanout sends stories to one of three models, by genre, in batches. If a model
// fails a story, another model gets it.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/router"
)

type story struct{ Title, Genre string }

type review struct {
	Title, Text string
	Refused     bool
}

// model is a lane that reviews stories in batches of two. A real one would call
// a provider where this one makes something up.
func model(name, refuses string) router.Route[story, review] {
	ask := flow.FlatMap(func(_ context.Context, batch accumulator.Batch[story]) ([]review, error) {
		defer batch.Release() // its memory is used again
		var reviews []review
		for _, s := range batch.Items {
			reviews = append(reviews, review{Title: s.Title, Text: "a fine " + s.Genre, Refused: s.Genre == refuses})
		}
		return reviews, nil
	})
	return router.Route[story, review]{Name: name, Build: func() flow.Stage[story, review] {
		return flow.Compose(func(p *flow.Pipeline, in <-chan []story) <-chan []review {
			batches := flow.Via(p, in, accumulator.New[story](accumulator.Config{MaxItems: 2, MaxWait: time.Second}))
			return flow.Via(p, batches, ask)
		})
	}}
}

func run(ctx context.Context, w io.Writer) error {
	byGenre := router.ByTable(
		func(s story) string { return s.Genre },
		map[string]string{"poem": "muse", "thriller": "sleuth"},
		"clerk", // for all other genres
	)
	routed, err := router.New(
		func(s story) string { return s.Title },
		func(r review) string { return r.Title },
		byGenre,
		[]router.Route[story, review]{model("clerk", ""), model("muse", ""), model("sleuth", "thriller")},
		router.Config[story, review]{Failed: func(r review) bool { return r.Refused }},
	)
	if err != nil {
		return err
	}

	p := flow.New(ctx)
	stories := flow.From(p, slices.Values([]story{
		{"Dawn", "poem"}, {"The Key", "thriller"}, {"Minutes", "report"}, {"Dusk", "poem"}, {"Ledger", "report"},
	}))
	reviews := flow.Via(p, stories, routed)
	flow.To(p, reviews, func(_ context.Context, r router.Routed[review]) error {
		_, err := fmt.Fprintf(w, "%s: %s, says %s after %v\n", r.Result.Title, r.Result.Text, r.Route, r.Tried)
		return err
	})
	return p.Wait()
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}
