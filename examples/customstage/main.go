// Customstage shows a stage of your own: a moving average, which remembers the
// latest items.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"slices"

	"github.com/balerhq/baler/flow"
)

// average is a stage that turns values into the average of the last Width of
// them.
type average struct{ Width int }

// Run makes average a flow.Stage.
func (a average) Run(ctx context.Context, in <-chan []float64, out chan<- []float64) error {
	var last []float64
	for values := range flow.Slices(ctx, in) {
		for i, v := range values {
			last = append(last, v)
			last = last[max(0, len(last)-a.Width):]
			sum := 0.0
			for _, l := range last {
				sum += l
			}
			values[i] = sum / float64(len(last)) // the slice is ours: we may write into it and send it on
		}
		if err := flow.Send(ctx, out, values); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

func run(ctx context.Context, w io.Writer) error {
	p := flow.New(ctx)
	temperatures := flow.From(p, slices.Values([]float64{20, 20, 23, 26, 20}))
	smooth := flow.Via(p, temperatures, average{Width: 3})
	flow.To(p, smooth, func(_ context.Context, v float64) error {
		_, err := fmt.Fprintf(w, "%.1f\n", v)
		return err
	})
	return p.Wait()
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}
