package flow_test

import (
	"testing"

	"github.com/balerhq/baler/flow"
)

// wide is an item of 128 bytes.
type wide struct {
	n   int
	pad [15]int
}

func TestAStreamHardlyAllocates(t *testing.T) {
	const n = 100_000
	t.Run("int", func(t *testing.T) {
		hardlyAllocates(t, n, func(i int) int { return i }, func(i int) bool { return i%2 == 0 })
	})
	t.Run("wide", func(t *testing.T) {
		hardlyAllocates(t, n, func(i int) wide { return wide{n: i} }, func(w wide) bool { return w.n%2 == w.pad[0] })
	})
}

func hardlyAllocates[T any](t *testing.T, n int, item func(int) T, keep func(T) bool) {
	t.Helper()
	allocs := testing.AllocsPerRun(2, func() {
		p := flow.New(t.Context())
		items := flow.From(p, func(yield func(T) bool) {
			for i := 0; i < n && yield(item(i)); i++ {
			}
		})
		flow.Discard(p, flow.Via(p, flow.Via(p, items, flow.Filter(keep)), flow.Then(flow.Filter(keep), flow.Filter(keep))))
		if err := p.Wait(); err != nil {
			t.Fatal(err)
		}
	})
	if perItem := allocs / float64(n); perItem > 0.05 {
		t.Errorf("%.3f allocations an item, want at most 0.05", perItem)
	}
}
