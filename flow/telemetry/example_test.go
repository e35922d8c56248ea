package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/telemetry"
)

// The tracer and the meter of a program come from its SDK. Those here are
// stand-ins that keep what they are told.
func Example() {
	tracer, meter := newTracer(), &meter{}
	err := telemetry.Span(context.Background(), tracer, "import", func(ctx context.Context) error {
		p := flow.New(ctx, flow.WithStats(), telemetry.Spans(tracer))
		metrics, err := telemetry.Metrics(meter, "import", p)
		if err != nil {
			return errors.Join(err, p.Wait())
		}
		lines := flow.From(p, slices.Values([]string{"a", "", "b"}))
		full := flow.Via(p, lines, flow.Filter(func(line string) bool { return line != "" }))
		flow.Discard(p, full)
		err = p.Wait()
		for _, line := range meter.items(ctx) { // the last collection
			fmt.Println(line)
		}
		return errors.Join(err, metrics.Unregister())
	})
	fmt.Println(err)
	fmt.Printf("the span filter is below %s: %s\n", tracer.ended["filter"].Parent, tracer.ended["filter"].Outcome)
	// Output:
	// import/discard baler.stage.in 2
	// import/discard baler.stage.out 0
	// import/filter baler.stage.in 3
	// import/filter baler.stage.out 2
	// import/source baler.stage.in 0
	// import/source baler.stage.out 3
	// <nil>
	// the span filter is below import: done
}

// The logger leaves out what differs from run to run: times and durations.
func ExampleLogs() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTimes}))
	p := flow.New(context.Background(), telemetry.Logs(logger))
	answers := flow.From(p, slices.Values([]int{42}))
	flow.To(p, answers, func(context.Context, int) error { return errors.New("disk full") }, flow.Name("save"))
	fmt.Println(p.Wait())
	// Output:
	// level=ERROR msg="stage failed" stage=save outcome=failed error="disk full"
	// flow: stage "save": disk full
}
