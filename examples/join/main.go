// Join pairs the readings of two sensors by minute, and reports on every five
// pairs.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/join"
)

type reading struct {
	Minute int
	Value  float64
}

// sensor yields eleven readings, one a minute, but not in the minute that it is
// broken.
func sensor(base float64, broken int) func(yield func(reading) bool) {
	return func(yield func(reading) bool) {
		for m := range 12 {
			if m != broken && !yield(reading{Minute: m, Value: base + float64(m)}) {
				return
			}
		}
	}
}

func run(ctx context.Context, w io.Writer) error {
	minute := func(r reading) int { return r.Minute }

	p := flow.New(ctx)
	indoors := flow.From(p, sensor(20, 3), flow.Name("indoors"))
	outdoors := flow.From(p, sensor(5, 7), flow.Name("outdoors"))
	var counts join.Counts
	pairs := join.Pairs(p, indoors, outdoors, minute, minute, join.PairConfig[reading, reading]{
		Within: time.Minute, Counts: &counts,
		Expired: func(_ context.Context, in, out *reading) error {
			only := cmp.Or(in, out) // the other is nil
			_, err := fmt.Fprintf(w, "minute %d has only one reading: %.0f\n", only.Minute, only.Value)
			return err
		},
	})
	fives := flow.Via(p, pairs, accumulator.New[join.Pair[reading, reading]](accumulator.Config{MaxItems: 5}))
	flow.To(p, fives, func(_ context.Context, batch accumulator.Batch[join.Pair[reading, reading]]) error {
		defer batch.Release() // its memory is used again
		in, out := 0.0, 0.0
		for _, pair := range batch.Items {
			in += pair.Left.Value
			out += pair.Right.Value
		}
		n := float64(len(batch.Items))
		_, err := fmt.Fprintf(w, "%v pairs: %.1f in, %.1f out\n", n, in/n, out/n)
		return err
	})
	if err := p.Wait(); err != nil {
		return err
	}
	stats := counts.Stats()
	_, err := fmt.Fprintf(w, "%d minutes have both readings, %d have one\n", stats.Complete, stats.Expired)
	return err
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}
