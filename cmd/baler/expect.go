package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/internal/printable"
)

// planned is a plan in JSON.
type planned struct {
	Rows        int           `json:"rows"`
	Duplicates  int           `json:"duplicates"`
	Filtered    int           `json:"filtered"`
	Rejected    int           `json:"rejected"`
	InputTokens int64         `json:"input_tokens"`
	Quote       durable.Quote `json:"quote"`
	// Expected is empty if no batches of these providers were bought before.
	Expected []expectation `json:"expected"`
}

func newPlanned(r *durable.Report, q durable.Quote, expected []expectation) planned {
	if expected == nil {
		expected = []expectation{}
	}
	return planned{r.Rows, r.Duplicates, r.Filtered, r.Rejected, int64(plannedInput(r, &q)), q, expected}
}

// expectation is how long the batches of a route may take, by what others took.
type expectation struct {
	Route    string          `json:"route,omitempty"`
	Provider string          `json:"provider"`
	Model    string          `json:"model"`
	Rounds   int             `json:"rounds"`     // of batches that are open at a time
	Half     time.Duration   `json:"half_ns"`    // all rounds take that, if each takes what half of such batches do
	Most     time.Duration   `json:"most_ns"`    // the same of nine in ten
	Of       archive.Latency `json:"percentile"` // of one batch
}

// expect says how long the batches of a quote may take, as far as any were
// bought before.
func (o *options) expect(dir *durable.Dir, q *durable.Quote, log *slog.Logger) (all []expectation) {
	known, err := archive.ReadLatencies(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("not all earlier runs can be read: the expected duration goes by the others", "error", err)
	}
	for i := range q.Routes {
		r := &q.Routes[i]
		latency, ok := known.Of(r.Provider, r.Model, time.Now())
		if r.Live || !ok {
			continue
		}
		rounds := (r.Batches + o.inFlight - 1) / max(1, o.inFlight)
		all = append(all, expectation{r.Name, r.Provider, r.Model, rounds, time.Duration(rounds) * latency.P50, time.Duration(rounds) * latency.P90, latency})
	}
	return all
}

func (e *expectation) describe(w io.Writer) {
	name, model, hour := "duration", "", ""
	if e.Route != "" {
		name = "duration of " + printable.Line(e.Route, 40)
	}
	if e.Of.Model {
		model = " with " + printable.Line(e.Model, 64)
	}
	if e.Of.Hour {
		hour = " at about this hour"
	}
	fmt.Fprintf(w, "%s\tabout %s, or %s if they are slow%s\n", name, rough(e.Half), rough(e.Most), noteIf(more(e.Rounds), ", for %s rounds of batches"))
	fmt.Fprintf(w, "\tby %s of earlier runs at %s%s%s; nine of ten took %s at most\n", batchCount(e.Of.Batches), e.Provider, model, hour, rough(e.Of.P90))
}

// more returns a number above one, or zero.
func more(n int) int {
	if n <= 1 {
		return 0
	}
	return n
}

// rough rounds a time to what an estimate is worth.
func rough(d time.Duration) time.Duration {
	switch {
	case d >= time.Hour:
		return d.Round(time.Minute)
	case d >= time.Second:
		return d.Round(time.Second)
	}
	return d.Round(time.Millisecond)
}
