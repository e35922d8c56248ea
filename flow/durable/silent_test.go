package durable_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

// A batch has ended, and its results come later than that: until a row tells
// whose it is, nothing is bought in its place.
func TestAnEndedBatchThatDoesNotSayWhoseItIsIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, exclusive := range []bool{false, true} {
		withoutTags(t, func(u *untagged) {
			u.job.ExclusiveWorkspace = exclusive
			u.stranger(4) // is not of its size
			u.SetFaults(
				simulator.Fault{Route: creation, Action: simulator.ActionResetAfter},
				simulator.Fault{Route: contentRoute, Action: simulator.ActionReplace, Body: "", Times: 8},
			)
			u.succeed(1)
		})
	}
}

// One that was refused costs nothing, whosever it is.
func TestAnEndedBatchOfWhichNothingRanIsNotIt(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.SetFaults(simulator.Fault{Route: creation, Action: simulator.ActionInvalid, Errors: []simulator.BatchError{{Code: "server_error"}}})
		u.stranger(5)
		u.next(simulator.ActionReset)
		if report := u.MustRun(u.job); report.Succeeded != 5 || report.Elapsed > 2*processing {
			u.T.Errorf("report %+v", report)
		}
		if n := len(u.Server.Batches()); n != 2 {
			u.T.Errorf("%d batches at the provider", n)
		}
	})
}

// The clock was an hour ahead when the batch was sent, and is right two hours
// later.
func TestAClockThatWasAheadHidesNoBatchWithoutTag(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.next(simulator.ActionResetAfter)
		ctx, cancel := context.WithTimeout(u.T.Context(), time.Second)
		defer cancel()
		if _, err := u.Run(ctx, u.job); !errors.Is(err, context.DeadlineExceeded) {
			u.T.Fatal(err)
		}
		u.shift(time.Hour)
		time.Sleep(2 * time.Hour)
		u.job = u.fresh()
		u.succeed(1)
	})
}

// shift moves the times that the job has kept.
func (u *untagged) shift(by time.Duration) {
	u.T.Helper()
	out, err := durable.Lines(u.Path("out.jsonl"))
	if err != nil {
		u.T.Fatal(err)
	}
	defer out.Close()
	job := u.job
	job.Dir, job.Output = u.StateDir(), out
	if err := durable.Shift(u.T.Context(), job, by); err != nil {
		u.T.Fatal(err)
	}
}
