package durabletest

import (
	"context"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
)

// StateDir returns the world's state directory.
func (w *World) StateDir() *durable.Dir {
	w.T.Helper()
	return w.OpenDir("state")
}

// OpenDir returns a state directory in the world's directory.
func (w *World) OpenDir(name string) *durable.Dir {
	w.T.Helper()
	d, err := durable.Open(w.Path(name))
	if err != nil {
		w.T.Fatal(err)
	}
	return d.With(state.Config{Log: Quiet, NoCompaction: !w.Compacts})
}

// Run runs the job with the world's directory and output file.
func (w *World) Run(ctx context.Context, job durable.Job[Ticket]) (durable.Report, error) {
	w.T.Helper()
	return w.With(ctx, job, durable.Run[Ticket])
}

// With does something with the job, the world's directory and output file.
func (w *World) With(
	ctx context.Context, job durable.Job[Ticket], do func(context.Context, durable.Job[Ticket]) (durable.Report, error),
) (durable.Report, error) {
	w.T.Helper()
	out, err := durable.Lines(w.Path("out.jsonl"))
	if err != nil {
		w.T.Fatal(err)
	}
	defer out.Close()
	job.Dir, job.Output = w.StateDir(), out
	return do(ctx, job)
}

// MustRun runs the job as Run does and fails unless it finishes.
func (w *World) MustRun(job durable.Job[Ticket]) durable.Report {
	w.T.Helper()
	report, err := w.Run(w.T.Context(), job)
	if err != nil {
		w.T.Fatal(err)
	}
	if !report.Finished {
		w.T.Fatalf("not finished: %+v", report)
	}
	return report
}

// RunAs runs the job under another name, with an output of its own and an input
// that is written first, unless it was before.
func (w *World) RunAs(name string, job durable.Job[Ticket], lines ...string) (durable.Report, map[string]durable.Result, error) {
	w.T.Helper()
	if len(lines) > 0 {
		w.Write(name+".in", lines...)
	}
	job.Name, job.Source = name, source.JSONL[Ticket](w.Path(name+".in"))
	got := make(map[string]durable.Result)
	job.Dir = w.StateDir()
	if job.Output == nil {
		job.Output = durable.Each(func(_ context.Context, r durable.Result) error {
			if _, ok := got[r.ID]; ok {
				w.T.Errorf("%s has two results", r.ID)
			}
			got[r.ID] = r
			return nil
		})
	}
	report, err := durable.Run(w.T.Context(), job)
	return report, got, err
}

// MustRunAs runs the job as RunAs does and fails unless it finishes. It returns
// the results by id.
func (w *World) MustRunAs(name string, job durable.Job[Ticket], lines ...string) (durable.Report, map[string]durable.Result) {
	w.T.Helper()
	report, got, err := w.RunAs(name, job, lines...)
	if err != nil || !report.Finished {
		w.T.Fatalf("%s: %+v, %v", name, report, err)
	}
	return report, got
}

// Attach returns a handle as another process has it.
func (w *World) Attach() *durable.Handle {
	w.T.Helper()
	h, err := w.StateDir().Attach("tickets")
	if err != nil {
		w.T.Fatal(err)
	}
	return h
}
