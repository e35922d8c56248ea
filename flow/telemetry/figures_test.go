package telemetry_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
