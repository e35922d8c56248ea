package durable_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink"
)

func (u *untagged) orphans(p sink.Provider) ([]durable.Orphan, error) {
	u.T.Helper()
	store, err := state.Open(u.Path("state"), state.Config{Log: durabletest.Quiet})
	if err != nil {
		u.T.Fatal(err)
	}
	defer store.Close()
	return durable.Orphans(u.T.Context(), p, store, u.Log.Start.Add(-time.Hour))
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
		u.buy("baler-ABCDEFGHIJ", 3) // of a stage, which looks for it itself
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
