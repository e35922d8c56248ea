package archive_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/simulator"
)

// tenanted is a job whose items are of the tenants a, b and none.
func tenanted(w *durabletest.World) durable.Job[durabletest.Ticket] {
	job := w.Job()
	job.Tenant = func(t durabletest.Ticket) string {
		return map[byte]string{'0': "a", '1': "b", '7': "b"}[t.ID[len(t.ID)-1]]
	}
	return job
}

// The counts of the tenants are those of all that was read, at any time.
func TestTenantsAreCounted(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Answer: failsOn, Latency: simulator.Latency{Processing: 30 * time.Millisecond}})
	w.Write("in.jsonl", durabletest.Tickets(100)...)
	job := tenanted(w)
	job.Model, job.Batch.MaxItems, job.MaxInFlight, job.Queue.SeparateTenants, job.ReadAll = "gpt-mini", 5, 2, true, true
	w.Leave(job, 20)
	q := archive.Query{Codec: w.Provider.Info().Codec}
	half, err := w.Archive("tickets").Tenants(q)
	if err != nil || len(half) != 3 {
		t.Fatalf("%+v, %v", half, err)
	}
	sum := archive.Tenant{}
	for i, want := range []int{70, 10, 20} {
		h := half[i]
		if h.Rows != want || h.Waiting() != h.Rows-h.Succeeded-h.Failed-h.Open {
			t.Errorf("%+v, want %d rows", h, want)
		}
		sum.Succeeded, sum.Failed, sum.Open = sum.Succeeded+h.Succeeded, sum.Failed+h.Failed, sum.Open+h.Open
	}
	if sum.Succeeded+sum.Failed < 20 || sum.Succeeded+sum.Failed+sum.Open > 40 {
		t.Errorf("in the middle: %+v", half)
	}
	w.MustRun(job)
	got, err := w.Archive("tickets").Tenants(q)
	want := []archive.Tenant{{Rows: 70, Succeeded: 70}, {Tenant: "a", Rows: 10, Succeeded: 10}, {Tenant: "b", Rows: 20, Succeeded: 10, Failed: 10}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
}

// A group that a process writes at the moment is not counted, and is no error.
func TestTenantsOfARunThatIsBeingRead(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", append(durabletest.Tickets(600), `{"no":"ticket`)...)
	job := tenanted(w)
	job.MaxInFlight = 1
	if _, err := w.Run(t.Context(), job); err == nil {
		t.Fatal("the last line is no JSON")
	}
	logs, err := filepath.Glob(filepath.Join(w.JobDir(), "requests", "*"))
	if err != nil || len(logs) != 1 {
		t.Fatal(logs, err)
	}
	b, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	count := func() (rows int) {
		t.Helper()
		all, err := w.Archive("tickets").Tenants(archive.Query{})
		if err != nil {
			t.Fatal(err)
		}
		for _, tenant := range all {
			rows += tenant.Rows
		}
		return rows
	}
	before := count()
	if before == 0 || before > 600 { // the last group of rows may not have been kept
		t.Fatalf("%d rows", before)
	}
	if err := os.WriteFile(logs[0], b[:len(b)-10], 0o600); err != nil {
		t.Fatal(err)
	}
	if n := count(); n >= before {
		t.Errorf("%d rows of a log that is cut, and %d of the whole one", n, before)
	}
}

// Rows without a result of a cancelled run are counted as such, and a pruned
// run says that it is.
func TestTenantsOfACancelledRun(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Latency: simulator.Latency{Processing: 50 * time.Millisecond}})
	w.Write("in.jsonl", durabletest.Tickets(50)...)
	job := tenanted(w)
	job.Batch.MaxItems, job.MaxInFlight, job.ReadAll = 10, 1, true
	w.Leave(job, 10)
	if err := w.Attach().Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Run(t.Context(), job); !errors.As(err, new(*durable.CancelledError)) {
		t.Fatal(err)
	}
	all, err := w.Archive("tickets").Tenants(archive.Query{})
	if err != nil || len(all) != 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	rows, settled := 0, 0
	for _, a := range all {
		rows, settled = rows+a.Rows, settled+a.Succeeded
		if a.Rows != a.Succeeded+a.Cancelled || a.Waiting() != 0 {
			t.Errorf("%+v", a)
		}
	}
	if rows != 50 || settled < 10 || settled == 50 {
		t.Errorf("%+v", all)
	}
}
