//go:build !race

package source_test

import (
	"testing"

	"github.com/balerhq/baler/flow/source"
)

// A row costs its copy; a CSV record its fields as well.
func TestAllocationsPerRow(t *testing.T) {
	jsonl, csv := benchFiles(t)
	for path, most := range map[string]float64{jsonl: 1, csv: 2} {
		got := testing.AllocsPerRun(3, func() {
			for _, err := range source.Rows(path).Items() {
				if err != nil {
					t.Fatal(err)
				}
			}
		}) / benchRows
		if got > most+0.05 {
			t.Errorf("%s: %.2f allocations per row, want %v", path, got, most)
		}
	}
}

func TestACheckpointIsOneAllocation(t *testing.T) {
	jsonl, _ := benchFiles(t)
	f := source.Rows(jsonl)
	for _, err := range f.Items() {
		if err != nil {
			t.Fatal(err)
		}
		if got := testing.AllocsPerRun(100, func() { _ = f.Checkpoint() }); got > 1 {
			t.Errorf("%v allocations", got)
		}
		break
	}
}
