package durable_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/simulator"
)

func TestALostCreationIsFoundAmongOthersWhenTheyHaveEnded(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.stranger(5)
		u.next(simulator.ResetAfter)
		u.succeed(1)
		if held, when := u.diary.when(waiting), u.diary.when(found); held < graceOver || held > 2*graceOver || when < processing {
			u.t.Errorf("held after %s, found after %s", held, when)
		}
	})
}

// The process that waits may end, and another go on.
func TestAHeldBatchSurvivesARestart(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.holdAndStop()
		u.job = u.fresh()
		u.succeed(1)
	})
}

func TestAForeignBatchIsExcludedWhenItHasEnded(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.stranger(5)
		u.next(simulator.Reset)
		u.succeed(1)
		if held, again := u.diary.when(waiting), u.diary.when(notFound); held < graceOver || again < processing {
			u.t.Errorf("held after %s, sent again after %s", held, again)
		}
	})
}

// Somebody may have removed the results of theirs.
func TestAForeignBatchWithoutResultsIsExcluded(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.stranger(5)
		u.fault(simulator.Fault{Route: creation, Action: simulator.Reset},
			simulator.Fault{Route: "GET /v1/files/{id}/content", Action: simulator.Fail, Status: 404})
		u.succeed(1)
	})
}

func TestNobodyElsesBatchIsAdoptedEarly(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.job.ExclusiveWorkspace = true
		u.next(simulator.ResetAfter)
		u.succeed(1)
		if when := u.diary.when(found); when < graceOver || when > 2*graceOver {
			u.t.Errorf("found after %s", when)
		}
	})
}

// Neither a batch of ours, nor one of another size, nor one of another time may
// be the one that is looked for.
func TestOnlyBatchesOfItsSizeAndTimeMayBeIt(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.job.ExclusiveWorkspace = true
		u.write("in.jsonl", tickets(10)...)
		u.stranger(5)
		time.Sleep(16 * time.Minute)
		u.stranger(4)
		u.next(simulator.ResetAfter)
		report := u.mustRun(u.job)
		if report.Batches != 2 || report.Succeeded != 10 || len(u.server.Batches()) != 4 {
			u.t.Errorf("report %+v, %d batches at the provider", report, len(u.server.Batches()))
		}
		if when := u.diary.when(found); when < graceOver || when > 18*time.Minute+graceOver {
			u.t.Errorf("found after %s", when)
		}
	})
}

// A workspace that is not exclusive after all costs time.
func TestABatchAdoptedWronglyIsGivenBack(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.job.ExclusiveWorkspace = true
		u.stranger(5)
		u.next(simulator.Reset)
		u.succeed(1)
		if when, back := u.diary.when(found), u.diary.when(disowned); when > 2*graceOver || back < processing {
			u.t.Errorf("found after %s, given back after %s", when, back)
		}
	})
}

// A batch that cannot be read, so that nobody knows whose it is, stops no other.
func TestABatchThatCannotBeProvenStopsNoOther(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.job.ExclusiveWorkspace = true
		u.write("in.jsonl", tickets(10)...)
		told := listen(&u.job)
		u.fault(
			simulator.Fault{Route: creation, Action: simulator.ResetAfter},
			simulator.Fault{Route: contentRoute, Action: simulator.Fail, Status: http.StatusBadRequest, Times: 8},
		)
		if report := u.mustRun(u.job); report.Succeeded != 10 || report.Batches != 2 || len(u.server.Batches()) != 2 {
			u.t.Errorf("report %+v", report)
		}
		unclear, _ := told.of(durable.NoticeUnclear)
		if !slices.ContainsFunc(unclear, func(n durable.Notice) bool {
			return n.Batch != "" && strings.Contains(n.Text, "cannot be read") && !n.Next.IsZero()
		}) {
			u.t.Errorf("told %+v", told.told)
		}
		if s := mustStatus(u.t, u.attach()); len(s.Notices) > 0 {
			u.t.Errorf("status at the end: %+v", s.Notices)
		}
	})
}

func TestPolicyResubmitPaysTwiceAndSaysSo(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.job.AmbiguousCreate = durable.AmbiguousResubmit
		u.stranger(5)
		u.next(simulator.ResetAfter)
		report := u.succeed(2)
		if again := u.diary.when(notFound); report.Surplus != 1 || report.Suspects != 0 || again > 2*graceOver {
			u.t.Errorf("report %+v, sent again after %s", report, again)
		}
	})
}

func TestPolicyFailBuysNothingMore(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.job.AmbiguousCreate = durable.AmbiguousFail
		u.stranger(5)
		u.next(simulator.ResetAfter)
		report := u.mustRun(u.job)
		if report.Failed != 5 || report.Batches != 0 || report.Suspects != 2 || report.Elapsed > processing {
			u.t.Errorf("report %+v", report)
		}
		for id, r := range u.results() {
			if r.Error == nil || r.Error.Code != "creation_unclear" || r.Batch != "" {
				u.t.Errorf("%s: %+v", id, r)
			}
		}
		if n := len(u.server.Batches()); n != 2 {
			u.t.Errorf("%d batches at the provider", n)
		}
	})
}

// mute is a provider that can neither find nor list.
type mute struct{ sink.Provider }

func TestABatchThatCannotBeLookedForStopsTheJob(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.job.Provider = mute{u.job.Provider}
		u.next(simulator.ResetAfter)
		if _, err := u.run(u.t.Context(), u.job); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "cannot be looked for") {
			u.t.Errorf("error %v", err)
		}
		u.job = u.fresh()
		u.succeed(1)
	})
}

func TestUnknownPolicyIsRefused(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(1)...)
	job := w.job()
	job.AmbiguousCreate = "hope"
	store, err := state.Open(w.path("state"), state.Config{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	job.Store, job.Output = store, durable.Each(func(context.Context, durable.Result) error { return nil })
	if _, err := durable.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), `Job.AmbiguousCreate is "hope"`) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(w.path("out.jsonl")); !os.IsNotExist(err) {
		t.Errorf("something was written: %v", err)
	}
}
