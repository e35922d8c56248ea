package durabletest

import (
	"context"
	"errors"

	"github.com/balerhq/baler/flow/durable"
)

// ErrDied is the error of outputs that end a run.
var ErrDied = errors.New("died")

// dyingFile is an output that takes some chunks and fails at the next one. If
// it is torn, it fails after it wrote that one, before the run records it.
type dyingFile struct {
	*durable.File
	after int
	torn  bool
}

// Write implements durable.Output.
func (o *dyingFile) Write(ctx context.Context, results []durable.Result) error {
	o.after--
	if o.after < 0 && !o.torn {
		return ErrDied
	}
	if err := o.File.Write(ctx, results); err != nil || o.after >= 0 {
		return err
	}
	return ErrDied
}

// Dying returns an output file that dies after so many chunks, or one more if it
// is torn.
func Dying(file durable.Output, chunks int, torn bool) durable.Output {
	return &dyingFile{File: file.(*durable.File), after: chunks, torn: torn}
}

// DieAfter runs the job until it has delivered so many chunks and recorded
// them.
func (w *World) DieAfter(chunks int, job durable.Job[Ticket]) {
	w.T.Helper()
	die(w, chunks, false, job)
}

// DieTorn runs the job until it has delivered one more than so many chunks. The
// last one is not recorded.
func (w *World) DieTorn(chunks int, job durable.Job[Ticket]) {
	w.T.Helper()
	die(w, chunks, true, job)
}

func die(w *World, chunks int, torn bool, job durable.Job[Ticket]) {
	w.T.Helper()
	_, err := w.With(w.T.Context(), job, func(ctx context.Context, job durable.Job[Ticket]) (durable.Report, error) {
		job.Output = Dying(job.Output, chunks, torn)
		return durable.Run(ctx, job)
	})
	if !errors.Is(err, ErrDied) {
		w.T.Fatalf("error %v", err)
	}
}
