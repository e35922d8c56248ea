package durabletest

import (
	"bytes"
	"context"
	"errors"
	"os"

	"github.com/balerhq/baler/flow/durable"
)

// ErrEnough is the cause with which a test ends a run.
var ErrEnough = errors.New("enough")

// countedFile is an output that reports how many results it has written.
type countedFile struct {
	*durable.File
	written int
	report  func(written int)
}

// Write implements durable.Output.
func (o *countedFile) Write(ctx context.Context, results []durable.Result) error {
	if err := o.File.Write(ctx, results); err != nil {
		return err
	}
	o.written += len(results)
	o.report(o.written)
	return nil
}

// StopAfter runs the job until the output file has more than so many results.
// The last chunk of them is recorded. The error is ErrEnough, unless the job
// has ended before.
func (w *World) StopAfter(results int, job durable.Job[Ticket]) (durable.Report, error) {
	w.T.Helper()
	ctx, cancel := context.WithCancelCause(w.T.Context())
	defer cancel(nil)
	before := 0
	if b, err := os.ReadFile(w.Path("out.jsonl")); err == nil {
		before = bytes.Count(b, []byte("\n"))
	}
	return w.With(ctx, job, func(ctx context.Context, job durable.Job[Ticket]) (durable.Report, error) {
		job.Output = &countedFile{File: job.Output.(*durable.File), report: func(n int) {
			if before+n > results {
				cancel(ErrEnough)
			}
		}}
		return durable.Run(ctx, job)
	})
}

// Leave runs the job until more than so many of its items are settled.
func (w *World) Leave(job durable.Job[Ticket], settled int) durable.Report {
	w.T.Helper()
	report, err := w.StopAfter(settled, job)
	if !errors.Is(err, ErrEnough) {
		w.T.Fatal(err)
	}
	return report
}

// LeaveWhen runs the job until its progress has been so. The run may have gone
// on a little by then.
func (w *World) LeaveWhen(job durable.Job[Ticket], so func(durable.Progress) bool) durable.Report {
	w.T.Helper()
	ctx, cancel := context.WithCancelCause(w.T.Context())
	defer cancel(nil)
	job.Progress = func(p durable.Progress) {
		if so(p) {
			cancel(ErrEnough)
		}
	}
	report, err := w.Run(ctx, job)
	if !errors.Is(err, ErrEnough) {
		w.T.Fatalf("report %+v, error %v", report, err)
	}
	return report
}
