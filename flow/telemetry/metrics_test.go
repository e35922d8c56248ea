package telemetry_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/telemetry"
)

func TestMetricsFollowARunningPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meter{}
		p := flow.New(t.Context(), flow.WithStats())
		if _, err := telemetry.Metrics(m, "import", p); err != nil {
			t.Fatal(err)
		}
		items := make(chan int, 1)
		flow.To(p, flow.FromChan(p, items), func(context.Context, int) error {
			time.Sleep(2 * time.Second)
			return nil
		})
		items <- 1
		synctest.Wait() // the sink is busy with it
		items <- 2
		time.Sleep(3 * time.Second)
		items <- 3
		synctest.Wait()
		want := []string{
			"import/sink baler.stage.busy 2",
			"import/sink baler.stage.held 2", "import/sink baler.stage.in 2",
			"import/sink baler.stage.out 0", "import/sink baler.stage.waiting 1",
			"import/source baler.stage.busy 0",
			"import/source baler.stage.held 0", "import/source baler.stage.in 0",
			"import/source baler.stage.out 3", "import/source baler.stage.waiting 0",
		}
		if diff := cmp.Diff(want, m.collect(t.Context())); diff != "" {
			t.Error(diff)
		}
		close(items)
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestNothingIsReportedOnceUnregistered(t *testing.T) {
	m := &meter{}
	p := flow.New(t.Context(), flow.WithStats())
	flow.Discard(p, flow.From(p, slices.Values([]int{1})))
	metrics, err := telemetry.Metrics(m, "import", p)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Wait(), metrics.Unregister()); err != nil {
		t.Fatal(err)
	}
	if lines := m.collect(t.Context()); lines != nil {
		t.Errorf("collected %q", lines)
	}
}

func TestMetricsReportsWhatTheMeterRefuses(t *testing.T) {
	p := flow.New(t.Context())
	for _, name := range []string{"baler.stage.in", "baler.stage.out", "baler.stage.waiting", "baler.stage.busy", "baler.stage.held"} {
		if _, err := telemetry.Metrics(&meter{refused: name}, "import", p); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Metrics = %v, want an error about %s", err, name)
		}
	}
	full := errors.New("full")
	if _, err := telemetry.Metrics(&meter{failing: full}, "import", p); !errors.Is(err, full) {
		t.Errorf("Metrics = %v, want %v", err, full)
	}
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
}
