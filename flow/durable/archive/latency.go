package archive

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/balerhq/baler/flow/durable"
)

// enoughBatches is how many batches say something about an hour of the day.
const enoughBatches = 5

// Latencies are how long the batches took that the runs of a state directory
// have bought, so that somebody can say how long others will take. Its methods
// may be called concurrently.
type Latencies struct{ batches []Batch }

// ReadLatencies reads the journals of all runs of a directory, also of pruned
// ones. Batches that are not settled do not count, nor do those that were refused
// or abandoned, nor those of live routes, whose time follows from their limits. A run that cannot be read does not
// count, and is among the joined errors.
func ReadLatencies(dir *durable.Dir) (*Latencies, error) {
	runs, err := dir.Runs()
	if err != nil {
		return &Latencies{}, err
	}
	l := &Latencies{}
	var failed error
	for i := range runs {
		failed = errors.Join(failed, l.read(dir, runs[i].Name))
	}
	return l, failed
}

func (l *Latencies) read(dir *durable.Dir, name string) error {
	a, err := Open(dir, name)
	if errors.Is(err, durable.ErrNoRun) {
		return nil // it has read nothing yet
	}
	if err != nil {
		return err
	}
	for _, b := range a.Batches() {
		if b.bought && !b.Live && !b.SentAt.IsZero() && !b.SettledAt.Before(b.SentAt) {
			l.batches = append(l.batches, b)
		}
	}
	return a.Close()
}

// Latency is how long batches took from their purchase to their last result.
type Latency struct {
	Batches int           `json:"batches"`
	P50     time.Duration `json:"p50_ns"`
	P90     time.Duration `json:"p90_ns"`
	Longest time.Duration `json:"longest_ns"`
	// Model is false if the provider's batches of all models count, because
	// there is none of the model.
	Model bool `json:"same_model"`
	// Hour says that only batches count that were bought at that hour of the
	// day, or within an hour of it.
	Hour bool `json:"same_hour"`
}

// Of returns how long batches of a provider and model took. If at least five of
// them were bought at about the hour of a time, only those count. If there is
// none of the model, those of all models of the provider do. It reports false
// if there is none of these either.
func (l *Latencies) Of(provider, model string, at time.Time) (Latency, bool) {
	of := l.where(func(b *Batch) bool { return b.Provider == provider && b.Model == model })
	sameModel := len(of) > 0
	if !sameModel {
		of = l.where(func(b *Batch) bool { return b.Provider == provider })
	}
	if len(of) == 0 {
		return Latency{}, false
	}
	then := slices.DeleteFunc(slices.Clone(of), func(b *Batch) bool { return !nearHour(b.SentAt, at) })
	sameHour := len(then) >= enoughBatches
	if sameHour {
		of = then
	}
	took := make([]time.Duration, len(of))
	for i, b := range of {
		took[i] = b.SettledAt.Sub(b.SentAt)
	}
	slices.Sort(took)
	return Latency{len(took), part(took, 0.5), part(took, 0.9), took[len(took)-1], sameModel, sameHour}, true
}

func (l *Latencies) where(counts func(*Batch) bool) (all []*Batch) {
	for i := range l.batches {
		if b := &l.batches[i]; counts(b) {
			all = append(all, b)
		}
	}
	return all
}

// nearHour reports whether two times are at most an hour of the day apart.
func nearHour(a, b time.Time) bool {
	const day = 24 * time.Hour
	apart := a.Sub(b).Abs() % day
	return min(apart, day-apart) <= time.Hour
}

// part returns the value that a part of the sorted ones does not exceed.
func part(sorted []time.Duration, p float64) time.Duration {
	return sorted[max(0, int(math.Ceil(p*float64(len(sorted))))-1)]
}
