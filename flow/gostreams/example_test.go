package gostreams_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	ext "github.com/reugn/go-streams/extension"
	gsflow "github.com/reugn/go-streams/flow"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/gostreams"
)

// A stage of ours between a Source and a Sink of go-streams.
func ExampleNewFlow() {
	batches := gostreams.NewFlow(context.Background(), accumulator.New[string](accumulator.Config{MaxItems: 2, MaxWait: time.Second}))
	join := gsflow.NewMap(func(b accumulator.Batch[string]) string { return strings.Join(b.Items, "+") }, 1)

	ext.NewChanSource(feed("a", "b", "c", "d")).Via(batches).Via(join).To(ext.NewStdoutSink())
	fmt.Println(batches.Err())
	// Output:
	// a+b
	// c+d
	// <nil>
}

// The end of our pipeline as a Sink: To returns when everything was delivered.
func ExampleNewSink() {
	sink := gostreams.NewSink(context.Background(), func(p *flow.Pipeline, words <-chan []string) {
		flow.To(p, words, func(_ context.Context, w string) error {
			fmt.Println("delivered", w)
			return nil
		})
	})
	ext.NewChanSource(feed("a", "b")).Via(gsflow.NewPassThrough()).To(sink)
	fmt.Println(sink.Err())
	// Output:
	// delivered a
	// delivered b
	// <nil>
}

// A Source, a Flow and a Sink of go-streams inside our pipeline.
func ExampleStage() {
	upper := gsflow.NewMap(strings.ToUpper, 1)

	p := flow.New(context.Background())
	words := gostreams.From[string](p, ext.NewChanSource(feed("a", "b")))
	loud := flow.Via(p, words, gostreams.Stage[string, string](upper))
	gostreams.To(p, loud, ext.NewStdoutSink())
	fmt.Println(p.Wait())
	// Output:
	// A
	// B
	// <nil>
}

func ExampleTo() {
	p := flow.New(context.Background())
	gostreams.To(p, flow.From(p, slices.Values([]string{"a", "b"})), ext.NewStdoutSink())
	fmt.Println(p.Wait())
	// Output:
	// a
	// b
	// <nil>
}
