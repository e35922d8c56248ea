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
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/simulator"
)

// What is logged about a batch that is looked for.
const (
	waiting   = "waiting for the end of the batches"
	found     = "found the batch"
	notFound  = "the batch was not found"
	disowned  = "somebody else's"
	graceOver = durable.DefaultGrace
)

func TestALostCreationIsFoundAmongOthersWhenTheyHaveEnded(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.stranger(5)
		u.next(simulator.ActionResetAfter)
		u.succeed(1)
		if held, when := u.Log.When(waiting), u.Log.When(found); held < graceOver || held > 2*graceOver || when < processing {
			u.T.Errorf("held after %s, found after %s", held, when)
		}
	})
}

// The process that waits may end, and another go on.
func TestAHeldBatchSurvivesARestart(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.holdAndStop()
		u.job = u.fresh()
		u.succeed(1)
	})
}

func TestAForeignBatchIsExcludedWhenItHasEnded(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.stranger(5)
		u.next(simulator.ActionReset)
		u.succeed(1)
		if held, again := u.Log.When(waiting), u.Log.When(notFound); held < graceOver || again < processing {
			u.T.Errorf("held after %s, sent again after %s", held, again)
		}
	})
}

// Somebody may have removed the results of theirs.
func TestAForeignBatchWithoutResultsIsExcluded(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.stranger(5)
		u.SetFaults(simulator.Fault{Route: creation, Action: simulator.ActionReset},
			simulator.Fault{Route: "GET /v1/files/{id}/content", Action: simulator.ActionFail, Status: 404})
		u.succeed(1)
	})
}

func TestNobodyElsesBatchIsAdoptedEarly(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.job.ExclusiveWorkspace = true
		u.next(simulator.ActionResetAfter)
		u.succeed(1)
		if when := u.Log.When(found); when < graceOver || when > 2*graceOver {
			u.T.Errorf("found after %s", when)
		}
	})
}

// Neither a batch of ours, nor one of another size, nor one of another time may
// be the one that is looked for.
func TestOnlyBatchesOfItsSizeAndTimeMayBeIt(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.job.ExclusiveWorkspace = true
		u.Write("in.jsonl", durabletest.Tickets(10)...)
		u.stranger(5)
		time.Sleep(16 * time.Minute)
		u.stranger(4)
		u.next(simulator.ActionResetAfter)
		report := u.MustRun(u.job)
		if report.Batches != 2 || report.Succeeded != 10 || len(u.Server.Batches()) != 4 {
			u.T.Errorf("report %+v, %d batches at the provider", report, len(u.Server.Batches()))
		}
		if when := u.Log.When(found); when < graceOver || when > 18*time.Minute+graceOver {
			u.T.Errorf("found after %s", when)
		}
	})
}

// A workspace that is not exclusive after all costs time.
func TestABatchAdoptedWronglyIsGivenBack(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.job.ExclusiveWorkspace = true
		u.stranger(5)
		u.next(simulator.ActionReset)
		u.succeed(1)
		if when, back := u.Log.When(found), u.Log.When(disowned); when > 2*graceOver || back < processing {
			u.T.Errorf("found after %s, given back after %s", when, back)
		}
	})
}

// A batch that cannot be read, so that nobody knows whose it is, stops no
// other.
func TestABatchThatCannotBeProvenStopsNoOther(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.job.ExclusiveWorkspace = true
		u.Write("in.jsonl", durabletest.Tickets(10)...)
		told := listen(&u.job)
		u.SetFaults(
			simulator.Fault{Route: creation, Action: simulator.ActionResetAfter},
			simulator.Fault{Route: contentRoute, Action: simulator.ActionFail, Status: http.StatusBadRequest, Times: 8},
		)
		if report := u.MustRun(u.job); report.Succeeded != 10 || report.Batches != 2 || len(u.Server.Batches()) != 2 {
			u.T.Errorf("report %+v", report)
		}
		unclear, _ := told.of(durable.NoticeUnclear)
		if !slices.ContainsFunc(unclear, func(n durable.Notice) bool {
			return n.Batch != "" && strings.Contains(n.Text, "cannot be read") && !n.Next.IsZero()
		}) {
			u.T.Errorf("told %+v", told.told)
		}
		if s := mustStatus(u.T, u.Attach()); len(s.Notices) > 0 {
			u.T.Errorf("status at the end: %+v", s.Notices)
		}
	})
}

func TestPolicyResubmitPaysTwiceAndSaysSo(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.job.AmbiguousCreate = durable.AmbiguousResubmit
		u.stranger(5)
		u.next(simulator.ActionResetAfter)
		report := u.succeed(2)
		if again := u.Log.When(notFound); report.Surplus != 1 || report.Suspects != 0 || again > 2*graceOver {
			u.T.Errorf("report %+v, sent again after %s", report, again)
		}
	})
}

func TestPolicyFailBuysNothingMore(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.job.AmbiguousCreate = durable.AmbiguousFail
		u.stranger(5)
		u.next(simulator.ActionResetAfter)
		report := u.MustRun(u.job)
		if report.Failed != 5 || report.Batches != 0 || report.Suspects != 2 || report.Elapsed > processing {
			u.T.Errorf("report %+v", report)
		}
		for id, r := range u.Results() {
			if r.Error == nil || r.Error.Code != "creation_unclear" || r.Batch != "" {
				u.T.Errorf("%s: %+v", id, r)
			}
		}
		if n := len(u.Server.Batches()); n != 2 {
			u.T.Errorf("%d batches at the provider", n)
		}
	})
}

// mute is a provider that can neither find nor list.
type mute struct{ sink.Provider }

func (m mute) Info() sink.Info {
	info := m.Provider.Info()
	info.Lists = false
	return info
}

func TestABatchThatCannotBeLookedForStopsTheJob(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.job.Provider = mute{u.job.Provider}
		u.next(simulator.ActionResetAfter)
		if _, err := u.Run(u.T.Context(), u.job); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "cannot be looked for") {
			u.T.Errorf("error %v", err)
		}
		u.job = u.fresh()
		u.succeed(1)
	})
}

func TestUnknownPolicyIsRefused(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(1)...)
	job := w.Job()
	job.AmbiguousCreate = "hope"
	job.Dir, job.Output = w.StateDir(), durable.Each(func(context.Context, durable.Result) error { return nil })
	if _, err := durable.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), `Job.AmbiguousCreate is "hope"`) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(w.Path("out.jsonl")); !os.IsNotExist(err) {
		t.Errorf("something was written: %v", err)
	}
}
