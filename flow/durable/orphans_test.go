package durable_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

func (u *untagged) orphans(p sink.Provider) ([]durable.Orphan, error) {
	u.T.Helper()
	return u.StateDir().Orphans(u.T.Context(), p, u.Log.Start.Add(-time.Hour))
}

// wantOrphans fails unless these batches are orphans, which tells of each
// whether it is surplus.
func (u *untagged) wantOrphans(p sink.Provider, want map[string]bool) {
	u.T.Helper()
	found, err := u.orphans(p)
	if err != nil {
		u.T.Fatal(err)
	}
	got := make(map[string]bool)
	for _, o := range found {
		got[o.Batch] = o.Surplus
		if len(o.Tag) != 16 || o.Rows != 3 {
			u.T.Errorf("orphan %+v", o)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		u.T.Error(diff)
	}
}

func TestOrphansAreBatchesThatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.succeed(1)
		twice := u.buy(u.Server.Batches()[0].Metadata["baler_tag"], 3)
		lost := u.buy("ABCDEFGHIJKLMNOP", 3)
		u.buy("baler-ABCDEFGHIJ", 3) // no tag of ours
		u.stranger(3)
		tagged := u.Provider
		u.wantOrphans(tagged, map[string]bool{twice.Batch: true, lost.Batch: false})
		u.wantOrphans(u.job.Provider, map[string]bool{}) // as long as they run
		time.Sleep(2 * processing)
		u.wantOrphans(tagged, map[string]bool{twice.Batch: true, lost.Batch: false})
		u.wantOrphans(u.job.Provider, map[string]bool{twice.Batch: true, lost.Batch: false})
		if _, err := u.orphans(mute{u.job.Provider}); !errors.Is(err, errors.ErrUnsupported) {
			u.T.Errorf("error %v", err)
		}
	})
}

// unread is a provider that does not have the results of a batch yet.
type unread struct {
	sink.Provider
	batch string
}

func (u unread) Results(ctx context.Context, h sink.Handle) iter.Seq2[sink.Outcome, error] {
	if h.Batch != u.batch {
		return u.Provider.Results(ctx, h)
	}
	return func(yield func(sink.Outcome, error) bool) {
		yield(sink.Outcome{}, retry.Mark(&retry.Error{Class: retry.Permanent, Status: http.StatusNotFound}, retry.Retryable))
	}
}

// A batch whose results are not there yet may be anybody's. It does not keep
// the others from being listed and adopted.
func TestABatchWithoutResultsHidesNoOrphan(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.succeed(1)
		own := u.Server.Batches()[0].ID
		lost := u.buy("ABCDEFGHIJKLMNOP", 3)
		u.stranger(3)
		time.Sleep(2 * processing)
		found, err := u.orphans(unread{u.job.Provider, u.foreign.Batch})
		tags := make(map[string]string)
		for _, o := range found {
			tags[o.Batch] = o.Tag
		}
		if diff := cmp.Diff(map[string]string{lost.Batch: "ABCDEFGHIJKLMNOP", u.foreign.Batch: ""}, tags); err != nil || diff != "" {
			u.T.Errorf("%v\n%s", err, diff)
		}
		if found, err := u.orphans(unread{u.job.Provider, own}); err != nil || len(found) != 1 {
			u.T.Errorf("with a batch of the job's own: %v, %+v", err, found)
		}
	})
}

// What a job is still looking for is not an orphan.
func TestABatchThatItsJobMayFindIsNoOrphan(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		u.holdAndStop()
		time.Sleep(2 * processing)
		u.wantOrphans(u.Provider, map[string]bool{})
		u.job = u.fresh()
		u.succeed(1)
		u.wantOrphans(u.Provider, map[string]bool{})
	})
}

// A stage keeps no record, so only the provider knows what it has bought.
func TestOrphansAreBatchesThatAStageLeftBehind(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		for _, p := range []sink.Provider{u.Provider, u.job.Provider} {
			u.abandonStage(p)
			if p == u.job.Provider {
				time.Sleep(2 * processing) // only rows that have ended say whose they are
			}
			found, err := u.orphans(p)
			batches := u.Server.Batches()
			last := batches[len(batches)-1].ID
			n := slices.IndexFunc(found, func(o durable.Orphan) bool { return o.Batch == last })
			if err != nil || n < 0 || found[n].Surplus {
				u.T.Fatalf("orphans %+v, %v", found, err)
			}
			if err := p.Cancel(u.T.Context(), sink.Handle{Batch: found[n].Batch}); err != nil {
				u.T.Error(err)
			}
		}
		time.Sleep(2 * processing)
		if s, err := u.Provider.Status(u.T.Context(), sink.Handle{Batch: u.Server.Batches()[0].ID}); err != nil || s.Phase != "cancelled" {
			u.T.Errorf("%+v, %v", s, err)
		}
	})
}

// abandonStage ends a stage when its batch runs.
func (u *untagged) abandonStage(p sink.Provider) {
	u.T.Helper()
	ctx, cancel := context.WithTimeout(u.T.Context(), time.Minute)
	defer cancel()
	in := make(chan [][]string, 1)
	in <- [][]string{{"one", "two", "three"}}
	ask := func(text string) (sink.Request, error) {
		return sink.Encode(p.Info().Codec, "gpt-test", llm.Ask(text))
	}
	if err := sink.FromSlices(p, ask, sink.Config{}).Run(ctx, in, nil); !errors.Is(err, context.DeadlineExceeded) {
		u.T.Fatal(err)
	}
}
