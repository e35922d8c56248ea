package telemetry_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/telemetry"
)

type laneStats struct {
	Name   string
	Queued int
}

type someStats struct {
	InFlight int
	Passed   uint64
	Fill     float32
	Delay    time.Duration
	Down     bool
	Up       bool
	Label    string
	Reasons  [3]uint64
	Routes   []laneStats
	Ages     []int
	hidden   int
}

func TestFiguresAreTheNumbersOfAStage(t *testing.T) {
	m := &meter{}
	stats := someStats{InFlight: 2, Passed: 3, Fill: 0.5, Delay: 1500 * time.Millisecond, Down: true, Routes: []laneStats{{"a", 1}, {"b", 0}}, Ages: []int{1}, hidden: 1}
	figures, err := telemetry.Figures(m, "import", "tenants", func() someStats { return stats })
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"import/tenants baler.stage.figure[] delay 1.5",
		"import/tenants baler.stage.figure[] down 1",
		"import/tenants baler.stage.figure[] fill 0.5",
		"import/tenants baler.stage.figure[] in_flight 2",
		"import/tenants baler.stage.figure[] passed 3",
		"import/tenants baler.stage.figure[] up 0",
		"import/tenants baler.stage.figure[a] queued 1",
		"import/tenants baler.stage.figure[b] queued 0",
	}
	if d := cmp.Diff(want, m.collect(t.Context())); d != "" {
		t.Error(d)
	}
	if err := figures.Unregister(); err != nil || m.collect(t.Context()) != nil {
		t.Errorf("reported once unregistered: %v", err)
	}
}

// What an accumulator says: why its batches were closed, and how long the first
// item of each has waited.
func TestFiguresOfAnAccumulator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		batches := accumulator.New[int](accumulator.Config{MaxItems: 2, MaxWait: time.Second})
		items := make(chan int)
		p := flow.New(t.Context())
		flow.Discard(p, flow.Via(p, flow.FromChan(p, items), batches))
		for range 5 {
			items <- 1
		}
		time.Sleep(time.Minute)
		close(items)
		if err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		m := &meter{}
		if _, err := telemetry.Figures(m, "import", "batch", batches.Stats); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, line := range m.collect(t.Context()) {
			if line = strings.TrimPrefix(line, "import/batch baler.stage.figure"); !strings.HasPrefix(line, "[]") && !strings.HasSuffix(line, " 0") {
				got = append(got, line)
			}
		}
		want := []string{"[0] wait 2", "[1.073741823] wait 1", "[age] reasons 1", "[size] reasons 2"}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

func TestFiguresOfNoStructAreNone(t *testing.T) {
	m := &meter{}
	if _, err := telemetry.Figures(m, "import", "x", func() int { return 1 }); err != nil || len(m.collect(t.Context())) > 0 {
		t.Error(err)
	}
}

func TestFiguresFailWithTheirMeter(t *testing.T) {
	m := &meter{failing: errors.New("no meter")}
	if _, err := telemetry.Figures(m, "import", "x", func() someStats { return someStats{} }); !errors.Is(err, m.failing) {
		t.Error(err)
	}
}
