package durable_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/simulator"
)

// A batch has ended, and its results come later than that: until a row tells
// whose it is, nothing is bought in its place.
func TestAnEndedBatchThatDoesNotSayWhoseItIsIsWaitedFor(t *testing.T) {
	for _, exclusive := range []bool{false, true} {
		withoutTags(t, func(u *untagged) {
			u.job.ExclusiveWorkspace = exclusive
			u.stranger(4) // is not of its size
			u.fault(
				simulator.Fault{Route: creation, Action: simulator.ResetAfter},
				simulator.Fault{Route: contentRoute, Action: simulator.Replace, Body: "", Times: 8},
			)
			u.succeed(1)
		})
	}
}

// One that was refused costs nothing, whosever it is.
func TestAnEndedBatchOfWhichNothingRanIsNotIt(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.fault(simulator.Fault{Route: creation, Action: simulator.Invalid, Errors: []simulator.BatchError{{Code: "server_error"}}})
		u.stranger(5)
		u.next(simulator.Reset)
		if report := u.mustRun(u.job); report.Succeeded != 5 || report.Elapsed > 2*processing {
			u.t.Errorf("report %+v", report)
		}
		if n := len(u.server.Batches()); n != 2 {
			u.t.Errorf("%d batches at the provider", n)
		}
	})
}

// The clock was an hour ahead when the batch was sent, and is right two hours
// later.
func TestAClockThatWasAheadHidesNoBatchWithoutTag(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.next(simulator.ResetAfter)
		ctx, cancel := context.WithTimeout(u.t.Context(), time.Second)
		defer cancel()
		if _, err := u.run(ctx, u.job); !errors.Is(err, context.DeadlineExceeded) {
			u.t.Fatal(err)
		}
		u.shift(time.Hour)
		time.Sleep(2 * time.Hour)
		u.job = u.fresh()
		u.succeed(1)
	})
}

// shift moves the times that the job has kept.
func (u *untagged) shift(by time.Duration) {
	u.t.Helper()
	store, err := state.Open(u.path("state"), state.Config{Log: quiet})
	if err != nil {
		u.t.Fatal(err)
	}
	defer store.Close()
	out, err := durable.Lines(u.path("out.jsonl"))
	if err != nil {
		u.t.Fatal(err)
	}
	defer out.Close()
	job := u.job
	job.Store, job.Output = store, out
	if err := durable.Shift(u.t.Context(), job, by); err != nil {
		u.t.Fatal(err)
	}
}
