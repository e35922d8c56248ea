package durable_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// doubtful is a job with two routes of which the first loses the reply to its
// one creation, after which its provider lists nothing any more, and all else
// is for the second.
type doubtful struct {
	*durabletest.World
	job    durable.Job[durabletest.Ticket]
	run    *session
	kill   context.CancelFunc
	doubts atomic.Bool
}

func inDoubt(t *testing.T, lost simulator.Action, test func(d *doubtful)) {
	t.Helper()
	inDoubtWith(t, lost, simulator.Fault{Route: "GET /v1/batches", Action: simulator.ActionFail, Status: http.StatusServiceUnavailable, Times: -1}, test)
}

// inDoubtWith has another fault from the doubt on.
func inDoubtWith(t *testing.T, lost simulator.Action, then simulator.Fault, test func(d *doubtful)) {
	t.Helper()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		d := &doubtful{World: w}
		w.Write("in.jsonl", durabletest.Tickets(20)...)
		d.job = twoRoutes(w)
		for i := range d.job.Routes {
			d.job.Routes[i].Model = "gpt-test"
		}
		d.job.Prices, d.job.MaxInFlight = testPrices(w.T), 1
		d.job.Choose = func(_ durable.Waiting, routes []router.State) int {
			name := "mini"
			if d.doubts.Load() {
				name = "large"
			}
			return slices.IndexFunc(routes, func(s router.State) bool { return s.Name == name })
		}
		w.SetFaults(simulator.Fault{Route: creation, Action: lost})
		w.Log.OnMessage(func(message string) {
			if strings.Contains(message, "creation unclear") && d.doubts.CompareAndSwap(false, true) {
				w.SetFaults(then)
			}
		})
		test(d)
	})
}

// begin runs the job for a while, in which the rows of the batch go nowhere, and
// returns that batch.
func (d *doubtful) begin() durable.OpenBatch {
	d.T.Helper()
	ctx, kill := context.WithCancel(d.T.Context())
	d.kill = kill
	d.run = startRun(ctx, d.World, d.job)
	time.Sleep(30 * time.Minute)
	s := mustStatus(d.T, d.run.Handle)
	if len(s.Open) != 1 || !s.Open[0].Unclear() || s.Settled() != 0 || s.Spending.Waste != 0 || s.Open[0].Reserved == 0 {
		d.T.Fatalf("without a decision: %+v", s)
	}
	return s.Open[0]
}

// Rows of a batch in doubt wait until a person says that they are to be bought
// again. Then they are settled once, on another route, and what the batch may
// have cost is wasted. The run ends though nobody can tell yet whether it was
// bought; the next one finds out, and cancels it.
func TestRowsInDoubtAreBoughtAgainByDecisionAlone(t *testing.T) {
	t.Parallel()
	for action, surplus := range map[simulator.Action]int{simulator.ActionReset: 0, simulator.ActionResetAfter: 1} {
		inDoubt(t, action, func(d *doubtful) {
			t := d.T
			open := d.begin()
			h := d.Attach()
			if err := h.Settle(t.Context(), "another", durable.DecisionBuyAgain); err == nil || !strings.Contains(err.Error(), "not in doubt") {
				t.Errorf("another batch: %v", err)
			}
			if err := h.Settle(t.Context(), open.Tag, durable.DecisionSend); err == nil || !strings.Contains(err.Error(), "no row of the batch is missing") {
				t.Errorf("another decision: %v", err)
			}
			for range 2 { // twice is no mistake
				if err := h.Settle(t.Context(), open.Tag, durable.DecisionBuyAgain); err != nil {
					t.Fatal(err)
				}
			}
			report, err := d.run.Wait(t.Context())
			if err != nil || report.Succeeded != 20 || report.Resent != 20 || report.Batches != 1 || report.State != durable.StateCompleted {
				t.Fatalf("%+v, %v", report, err)
			}
			if s := report.Spending; s.Waste != open.Reserved || s.Reserved != 0 || s.Cost != s.Waste.Add(paidFor(d.Results())) {
				t.Errorf("%s was reserved: %+v", open.Reserved, s)
			}
			for id, r := range d.Results() {
				if r.Route != "large" || r.Error != nil {
					t.Errorf("%s: %+v", id, r)
				}
			}
			d.run.close()
			d.SetFaults()
			again := d.MustRun(d.job)
			if s := again.Spending; again.Surplus != surplus || again.InFlight != 0 || s.Waste < open.Reserved || s.Reserved != 0 || len(d.Results()) != 20 {
				t.Errorf("%d surplus batches: %+v", surplus, again)
			}
		})
	}
}

// A provider that never lists its batches does not end a run whose rows were
// bought again, now or later: a notice says that the batch may be there.
func TestABatchThatIsNeverListedDoesNotStopWhatIsBoughtAgain(t *testing.T) {
	t.Parallel()
	missing := simulator.Fault{Route: "GET /v1/batches", Action: simulator.ActionFail, Status: http.StatusNotFound, Times: -1}
	inDoubtWith(t, simulator.ActionResetAfter, missing, func(d *doubtful) {
		t := d.T
		var unseen atomic.Int64
		d.job.Notify = func(n durable.Notice) {
			if strings.Contains(n.Text, "given up and bought again") {
				unseen.Add(1)
			}
		}
		open := d.begin()
		if err := d.Attach().Settle(t.Context(), open.Tag, durable.DecisionBuyAgain); err != nil {
			t.Fatal(err)
		}
		report, err := d.run.Wait(t.Context())
		if err != nil || report.Succeeded != 20 || report.State != durable.StateCompleted || report.InFlight != 0 || unseen.Load() != 1 {
			t.Fatalf("%d notices: %+v, %v", unseen.Load(), report, err)
		}
		d.run.close()
		if again := d.MustRun(d.job); again.Spending != report.Spending || unseen.Load() != 1 {
			t.Errorf("%+v after %+v", again, report)
		}
	})
}

// A second batch that cannot be cancelled for now does not keep a run that has
// all its results.
func TestACancellationThatFailsDoesNotKeepARun(t *testing.T) {
	t.Parallel()
	down := simulator.Fault{Route: "POST /v1/batches/{id}/cancel", Action: simulator.ActionFail, Status: http.StatusServiceUnavailable, Times: -1}
	list := simulator.Fault{Route: "GET /v1/batches", Action: simulator.ActionFail, Status: http.StatusServiceUnavailable, Times: -1}
	inDoubtWith(t, simulator.ActionResetAfter, list, func(d *doubtful) {
		t := d.T
		open := d.begin()
		d.SetFaults(list, down)
		if err := d.Attach().Settle(t.Context(), open.Tag, durable.DecisionBuyAgain); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		d.SetFaults(down)
		report, err := d.run.Wait(t.Context())
		if err != nil || report.Succeeded != 20 || report.State != durable.StateCompleted {
			t.Fatalf("%+v, %v", report, err)
		}
		d.run.close()
		d.SetFaults()
		if again := d.MustRun(d.job); again.Surplus != 1 || again.InFlight != 0 {
			t.Errorf("%+v", again)
		}
	})
}

// A process that is killed at any time carries the decision out, and counts
// the waste once.
func TestADecisionToBuyAgainOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	inDoubt(t, simulator.ActionResetAfter, func(d *doubtful) {
		t := d.T
		open := d.begin()
		d.kill()
		_, _ = d.run.end()
		if err := d.Attach().Settle(t.Context(), open.Tag, durable.DecisionBuyAgain); err != nil {
			t.Fatal(err)
		}
		d.SetFaults()
		report := d.MustRun(d.job)
		if report.Succeeded != 20 || report.Surplus != 1 || report.Spending.Waste < open.Reserved || report.Spending.Reserved != 0 {
			t.Errorf("%+v", report)
		}
		d.LoseIndex()
		d.Rebuild()
		if rebuilt := d.MustRun(d.job); rebuilt.Spending != report.Spending || rebuilt.Resent != 20 {
			t.Errorf("%+v after %+v", rebuilt, report)
		}
	})
}

// paidFor adds up what the results have cost.
func paidFor(results map[string]durable.Result) (sum price.Money) {
	for _, r := range results {
		sum = sum.Add(*r.Cost)
	}
	return sum
}
