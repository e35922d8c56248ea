package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
)

// Read makes the report of the run of that name. The Query's codecs read the
// messages of failed rows. The error is durable.ErrNoRun if there is no such
// run. Read takes a moment for each batch; if rows have failed, it reads
// results until it has examples of each reason.
func Read(ctx context.Context, dir *durable.Dir, name string, q archive.Query) (*Report, error) {
	run, err := dir.Attach(name)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	s, err := run.Status()
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	a, err := archive.Open(dir, name)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	r := fromStatus(&s)
	r.addHistory(a, &s)
	err = r.addExamples(ctx, a, q)
	if err = errors.Join(err, a.Close()); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	r.Advice = r.advise()
	return r, nil
}

func fromStatus(s *durable.Status) *Report {
	r := &Report{
		Schema: Schema, Name: s.Name, Labels: s.Labels, State: string(s.State), Reason: s.Reason, Started: s.Started,
		Rows: s.Rows + s.Duplicates + s.Filtered, Retried: s.Retried, Resent: s.Resent, Late: s.Late,
		Usage: s.Usage, Waste: s.DuplicateSpend, Notices: s.Notices,
		Batches: Batches{Bought: s.Batches, Open: len(s.Open), Refused: s.Refused, Surplus: s.Surplus},
	}
	cancelled := 0
	if s.State == durable.StateCancelled {
		cancelled = s.Cancelled
	}
	r.Succeeded, r.Failed, r.Cancelled = r.share(s.Succeeded), r.share(s.Failed), r.share(cancelled)
	r.Open = r.share(max(0, s.Rows-s.Succeeded-s.Failed-cancelled))
	r.Skipped = Skipped{
		Share:      r.share(s.Duplicates + s.Filtered + s.FromCache + s.Shared),
		Duplicates: s.Duplicates, Filtered: s.Filtered, FromCache: s.FromCache, Shared: s.Shared,
	}
	r.Receipt, r.Reuse = ReceiptOf(&s.Report), s.Reuse
	r.addRoutes(s.Routes)
	r.addFailures(s.Failures)
	return r
}

func (r *Report) share(n int) Share { return Share{n, percent(n, r.Rows)} }

func percent(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return 100 * float64(n) / float64(of)
}

func (r *Report) addRoutes(routes []durable.RouteProgress) {
	all := 0
	for i := range routes {
		all += routes[i].Succeeded + routes[i].Failed
	}
	r.Routes = make([]Route, len(routes))
	for i, by := range routes {
		r.Routes[i] = Route{by, percent(by.Succeeded+by.Failed, all)}
	}
}

func (r *Report) addFailures(failures map[string]int) {
	r.Failures = make([]Failure, 0, len(failures))
	for code, n := range failures {
		r.Failures = append(r.Failures, Failure{Code: code, Rows: r.share(n)})
	}
	slices.SortFunc(r.Failures, func(a, b Failure) int {
		return cmp.Or(b.Rows.Rows-a.Rows.Rows, cmp.Compare(a.Code, b.Code))
	})
}

// addHistory adds what the batches tell.
func (r *Report) addHistory(a *archive.Archive, s *durable.Status) {
	last := s.Updated
	var points []Point
	for p := range a.Settlements() {
		points = append(points, Point{p.At, p.Succeeded, p.Failed})
	}
	if s.Ended() {
		if len(points) > 0 {
			last = points[len(points)-1].At
		}
		r.Ended = last
	}
	r.Seconds = max(0, last.Sub(s.Started).Seconds())
	if settled := s.Succeeded + s.Failed; r.Seconds > 0 {
		r.PerMinute = float64(settled) * 60 / r.Seconds
	}
	r.Timeline = thin(points, s.Started)
	r.addBatches(a.Batches())
}

// maxPoints bounds a Timeline.
const maxPoints = 200

// thin leaves out points so that at most maxPoints are left, with the last.
func thin(points []Point, started time.Time) []Point {
	out := []Point{{At: started}}
	step := max(1, (len(points)+maxPoints-2)/(maxPoints-1))
	for i := step - 1; i < len(points); i += step {
		out = append(out, points[i])
	}
	if n := len(points); n > 0 && n%step != 0 {
		out = append(out, points[n-1])
	}
	return out
}

// maxExamples is how many rows show a reason.
const maxExamples = 5

// addExamples adds a few rows for each reason, as far as results are kept.
func (r *Report) addExamples(ctx context.Context, a *archive.Archive, q archive.Query) error {
	wanted := make(map[string]*Failure)
	for i := range r.Failures {
		wanted[r.Failures[i].Code] = &r.Failures[i]
	}
	q.Status, q.Ordered, q.After = durable.ItemFailed, false, ""
	left := maps.Clone(wanted)
	for result, err := range a.Results(q) {
		switch {
		case errors.Is(err, archive.ErrPruned):
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case len(left) == 0:
			return nil
		}
		code := result.Error.Code
		f, ok := left[code]
		if !ok {
			continue
		}
		f.Examples = append(f.Examples, Example{result.ID, result.Error.Message})
		if n := len(f.Examples); n == maxExamples || n == f.Rows.Rows {
			delete(left, code)
		}
	}
	return nil
}
