package durable_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/sinktest"
)

// of is the job at the provider, in batches of two, two and one row.
func (u *untagged) of(p sink.Provider) durable.Job[durabletest.Ticket] {
	job := u.fresh()
	job.Provider, job.Batch.MaxItems = p, 2
	return job
}

// runUntil runs the job until it has bought so many batches.
func (u *untagged) runUntil(batches int, job durable.Job[durabletest.Ticket]) {
	u.T.Helper()
	u.LeaveWhen(job, func(p durable.Progress) bool { return p.Batches >= batches })
}

// lose buys the batches of the job, and loses all that is known of them. It
// returns their names.
func (u *untagged) lose(p sink.Provider) (names []string) {
	u.T.Helper()
	u.runUntil(3, u.of(p))
	for _, name := range []string{"state", "out.jsonl"} {
		if err := os.RemoveAll(u.Path(name)); err != nil {
			u.T.Fatal(err)
		}
	}
	for _, b := range u.Server.Batches() {
		names = append(names, b.ID)
	}
	return names
}

// ingest reads the input, which must cost nothing.
func (u *untagged) ingest(job durable.Job[durabletest.Ticket]) {
	u.T.Helper()
	before := len(u.Server.Batches())
	report, err := u.With(u.T.Context(), job, durable.Ingest[durabletest.Ticket])
	if err != nil || !report.Read || report.Rows != 5 || report.Finished || report.State != durable.StateStopped {
		u.T.Fatalf("error %v, report %+v", err, report)
	}
	if n := len(u.Server.Batches()); n != before {
		u.T.Fatalf("%d batches, %d before", n, before)
	}
}

func (u *untagged) adopt(p sink.Provider, name string) (all []durable.Orphan, err error) {
	u.T.Helper()
	return u.StateDir().Adopt(u.T.Context(), p, name, u.Log.Start.Add(-time.Hour))
}

// wantAdopted fails unless this became of the orphans, in any order: how many
// rows of each were adopted, or why it is left alone. It returns the adopted
// ones.
func (u *untagged) wantAdopted(p sink.Provider, want ...string) (adopted []string) {
	u.T.Helper()
	all, err := u.adopt(p, "tickets")
	if err != nil {
		u.T.Fatal(err)
	}
	var got []string
	for _, a := range all {
		if a.Left == "" {
			adopted = append(adopted, a.Batch)
			a.Left = strconv.Itoa(a.Adopted)
		}
		got = append(got, a.Left)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		u.T.Error(diff)
	}
	return adopted
}

// wantAnswers fails unless the job ends with a result for each row, from a
// batch of these, and the provider has no others.
func (u *untagged) wantAnswers(job durable.Job[durabletest.Ticket], batches ...string) {
	u.T.Helper()
	report := u.MustRun(job)
	if report.Succeeded != 5 {
		u.T.Errorf("report %+v", report)
	}
	from := make(map[string]bool)
	for _, r := range u.Results() {
		from[r.Batch] = true
	}
	for _, b := range batches {
		if !from[b] {
			u.T.Errorf("no row is answered by %s: %v", b, from)
		}
	}
	if len(from) != len(batches) || len(u.Results()) != 5 {
		u.T.Errorf("%d results, from %v", len(u.Results()), from)
	}
}

const (
	stillRuns = "it runs: adopt it when it has ended"
	nobodys   = "no row of the run waits for one of its answers"
	ofAnother = "ABCDEFGHIJKLMNOP" // a tag as of a run, of other items
)

func TestWhatWasBoughtIsAdopted(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]func(*untagged) sink.Provider{
		"with tags":    func(u *untagged) sink.Provider { return u.Provider },
		"without tags": func(u *untagged) sink.Provider { return sinktest.Untagged(u.Provider) },
	} {
		t.Run(name, func(t *testing.T) {
			withoutTags(t, func(u *untagged) {
				p := of(u)
				bought := u.lose(p)
				time.Sleep(2 * processing)
				u.ingest(u.of(p))
				u.wantAdopted(p, "2", "2", "1")
				u.wantAdopted(p)
				u.wantAnswers(u.of(p), bought...)
				u.WantBilledOnce(5)
				if n := len(u.Server.Batches()); n != 3 {
					u.T.Errorf("%d batches", n)
				}
			})
		})
	}
}

// What runs is adopted later, and what is of others never.
func TestOrphansThatAreLeftAlone(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		p := u.Provider
		bought := u.lose(p)
		u.stranger(2)
		u.buy(ofAnother, 2)
		u.ingest(u.of(p))
		u.wantAdopted(p, stillRuns, stillRuns, stillRuns, stillRuns)
		time.Sleep(2 * processing)
		u.wantAdopted(p, "2", "2", "1", nobodys)
		u.wantAnswers(u.of(p), bought...)
		if n := len(u.Server.Batches()); n != 5 {
			u.T.Errorf("%d batches", n)
		}
	})
}

// Rows that a run has bought itself are not taken from an orphan.
func TestAdoptLeavesWhatIsBought(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		p := u.Provider
		u.lose(p)
		time.Sleep(2 * processing)
		job := u.of(p)
		job.MaxInFlight = 1
		u.runUntil(1, job)
		adopted := u.wantAdopted(p, "2", "1", nobodys)
		u.wantAnswers(u.of(p), append(adopted, u.Server.Batches()[3].ID)...)
	})
}

// Lost a second time, rows have two answers, of which one is taken.
func TestRowsThatWereBoughtTwiceAreAdoptedOnce(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		p := u.Provider
		first := u.lose(p)
		time.Sleep(time.Minute) // the list begins with the newest
		second := u.lose(p)[len(first):]
		time.Sleep(2 * processing)
		u.ingest(u.of(p))
		u.wantAdopted(p, "2", "2", "1", nobodys, nobodys, nobodys)
		u.wantAnswers(u.of(p), second...)
	})
}

// The answer of a model is not that of another.
func TestAdoptTellsModelsApart(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		p := u.Provider
		u.lose(p)
		time.Sleep(2 * processing)
		job := u.of(p)
		job.Model = "another"
		u.ingest(job)
		u.wantAdopted(p, nobodys, nobodys, nobodys)
	})
}

func TestAdoptRefuses(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		p := u.Provider
		u.Write("in.jsonl", append(durabletest.Tickets(5), "not JSON")...)
		if _, err := u.With(u.T.Context(), u.of(p), durable.Ingest[durabletest.Ticket]); err == nil {
			u.T.Fatal("the input is at fault")
		}
		if _, err := u.adopt(p, "tickets"); !errors.Is(err, durable.ErrNotRead) {
			u.T.Errorf("not read: %v", err)
		}
		if _, err := u.adopt(p, "unknown"); !errors.Is(err, durable.ErrNoRun) {
			u.T.Errorf("unknown: %v", err)
		}
	})
}

func TestAdoptRefusesARunThatIsRun(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		_, err := u.With(u.T.Context(), u.of(u.Provider), func(ctx context.Context, job durable.Job[durabletest.Ticket]) (durable.Report, error) {
			ctx, cancel := context.WithCancel(ctx)
			h, err := durable.Start(ctx, job)
			if err != nil {
				u.T.Fatal(err)
			}
			if _, err := job.Dir.Adopt(ctx, job.Provider, job.Name, time.Now()); !errors.Is(err, durable.ErrRunning) {
				u.T.Errorf("error %v", err)
			}
			cancel()
			return h.Wait(context.WithoutCancel(ctx))
		})
		if !errors.Is(err, context.Canceled) {
			u.T.Errorf("error %v", err)
		}
	})
}
