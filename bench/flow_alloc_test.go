package bench_test

import "testing"

func TestAPipelineWithKeyedBatchesHardlyAllocates(t *testing.T) {
	t.Run("int", func(t *testing.T) { hardlyAllocates(t, intKind) })
	t.Run("wide", func(t *testing.T) { hardlyAllocates(t, wideKind) })
}

func hardlyAllocates[T any](t *testing.T, k kind[T]) {
	t.Helper()
	const n = 100_000
	if perItem := testing.AllocsPerRun(2, func() { ours(t, n, k) }) / n; perItem > 0.05 {
		t.Errorf("%.3f allocations an item, want at most 0.05", perItem)
	} else {
		t.Logf("%.4f allocations an item", perItem)
	}
}
