package archive

import (
	"testing"
	"time"
)

// batchesOf returns batches that were bought at an hour and took so many
// minutes.
func batchesOf(provider, model string, hour int, minutes ...int) (all []Batch) {
	for day, m := range minutes {
		at := time.Date(2026, 11, 1+day, hour, 30, 0, 0, time.UTC)
		all = append(all, Batch{Provider: provider, Model: model, SentAt: at, SettledAt: at.Add(time.Duration(m) * time.Minute)})
	}
	return all
}

// How long batches took is told by those that are most like the next one.
func TestLatenciesAreThoseOfTheBatchesThatAreMostAlike(t *testing.T) {
	t.Parallel()
	l := &Latencies{append(append(
		batchesOf("openai", "mini", 3, 10, 20, 30, 40, 50), batchesOf("openai", "mini", 15, 100, 200)...),
		batchesOf("openai", "large", 2, 600)...)}
	night, noon := time.Date(2026, 12, 1, 2, 45, 0, 0, time.UTC), time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		provider, model string
		at              time.Time
		want            Latency
	}{
		{"openai", "mini", night, Latency{5, 30 * time.Minute, 50 * time.Minute, 50 * time.Minute, true, true}},
		{"openai", "mini", noon, Latency{7, 40 * time.Minute, 200 * time.Minute, 200 * time.Minute, true, false}},
		{"openai", "mini", night.Add(12 * time.Hour), Latency{7, 40 * time.Minute, 200 * time.Minute, 200 * time.Minute, true, false}},
		{"openai", "new", night, Latency{6, 30 * time.Minute, 600 * time.Minute, 600 * time.Minute, false, true}},
	} {
		if got, ok := l.Of(c.provider, c.model, c.at); !ok || got != c.want {
			t.Errorf("%s %s: %+v, want %+v", c.model, c.at, got, c.want)
		}
	}
	if got, ok := l.Of("mistral", "mini", night); ok {
		t.Errorf("%+v", got)
	}
}

// Hours are near across midnight.
func TestNearHour(t *testing.T) {
	t.Parallel()
	late := time.Date(2026, 12, 1, 23, 40, 0, 0, time.UTC)
	for minutes, want := range map[int]bool{0: true, 60: true, -60: true, 61: false, -90: false, 24 * 60: true, 24*60 + 59: true, 12 * 60: false, 47*60 + 30: true} {
		if got := nearHour(late, late.Add(time.Duration(minutes)*time.Minute)); got != want {
			t.Errorf("%d minutes: %t", minutes, got)
		}
	}
}
