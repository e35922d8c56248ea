package durable_test

import (
	"testing"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/sinktest"
)

// A batch that may be somebody else's is given up in time like any other, but
// not cancelled.
func TestABatchThatMayBeSomebodyElsesIsNotCancelled(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		client, err := openai.New("sk-test", openai.Config{
			BaseURL: "http://127.0.0.1/v1", Transport: u.Server.Client().Transport,
			Limits: sink.Limits{Window: processing / 6},
		})
		if err != nil {
			u.T.Fatal(err)
		}
		u.stranger(5)
		u.next(simulator.ActionReset) // so the only batch is not ours
		u.job.Provider, u.job.ExclusiveWorkspace, u.job.MaxAttempts = sinktest.Untagged(client), true, 1
		report := u.MustRun(u.job)
		if report.Succeeded == 0 || report.Succeeded+report.Failed != 5 || report.Batches != 1 {
			u.T.Errorf("report %+v", report)
		}
		for _, b := range u.Server.Batches() {
			if foreign := b.ID == u.foreign.Batch; foreign == (b.Status == "cancelled") {
				u.T.Errorf("batch %s of a stranger: %t, is %s", b.ID, foreign, b.Status)
			}
		}
	})
}
