package archive_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/simulator"
)

// failsOn fails the rows of the small model that end with 7, and one of any
// model.
func failsOn(r simulator.Row) simulator.Reply {
	body := string(r.Body)
	if strings.Contains(body, "number 77\"") || strings.Contains(body, `7"`) && strings.Contains(body, "gpt-mini") {
		return simulator.Reply{Error: &simulator.RowError{Status: 400, Code: "content_policy_violation", Message: "no"}}
	}
	return simulator.Echo(r)
}

func ticketKey(t durabletest.Ticket) string { return t.ID }

func TestDeadLettersHaveTheItemAndTheRoutesThatWereTried(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Answer: failsOn})
	w.Write("in.jsonl", durabletest.Tickets(100)...)
	job := w.Job()
	job.Routes = []durable.Route{{Name: "mini", Provider: job.Provider, Model: "gpt-mini"}, {Name: "large", Provider: job.Provider, Model: "gpt-large"}}
	job.Provider, job.Model, job.Failover = nil, "", durable.FailoverFailed
	w.MustRun(job)
	codec := w.Provider.Info().Codec
	a := w.Archive("tickets")
	letters := archive.DeadLetters(a, archive.Query{Codec: codec}, source.JSONL[durabletest.Ticket](w.Path("in.jsonl")), ticketKey)
	want := retry.DeadLetter[durabletest.Ticket]{
		ID: "t-77", Item: durabletest.Ticket{ID: "t-77", Text: "ticket number 77"}, Attempts: 2, Route: "large",
		Class: retry.Permanent, Code: "content_policy_violation", Reason: "no",
		Tried: []retry.TriedRoute{{Route: "mini", Code: "content_policy_violation"}},
	}
	n := 0
	for l, err := range letters {
		if diff := cmp.Diff(want, l); err != nil || diff != "" {
			t.Errorf("%v: %s", err, diff)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d letters", n)
	}
	// The order of the input changes nothing about a result.
	results, inOrder := make(map[string]durable.Result), 0
	for r, err := range a.Results(archive.Query{Codec: codec}) {
		if err != nil {
			t.Fatal(err)
		}
		results[r.ID] = r.Result
	}
	for r, err := range a.Results(archive.Query{Codec: codec, Ordered: true}) {
		if diff := cmp.Diff(results[r.ID], r.Result); err != nil || diff != "" {
			t.Errorf("%v: %s", err, diff)
		}
		inOrder++
	}
	if inOrder != 100 || len(results) != 100 {
		t.Errorf("%d and %d results", inOrder, len(results))
	}
}

func TestDeadLettersAreInTheOrderOfTheInput(t *testing.T) {
	t.Parallel()
	w, job := mixed(t)
	report := w.MustRun(job)
	var got []string
	for l, err := range archive.DeadLetters(w.Archive("tickets"), archive.Query{}, source.JSONL[durabletest.Ticket](w.Path("in.jsonl")), ticketKey) {
		if err != nil || l.ID != l.Item.ID {
			t.Fatalf("%+v, %v", l, err)
		}
		got = append(got, l.ID)
	}
	inOrder := slices.IsSortedFunc(got, func(a, b string) int { return len(a) - len(b) })
	if len(got) != report.Failed || !inOrder {
		t.Errorf("%d letters for %d failed items: %v", len(got), report.Failed, got)
	}
}

func TestDeadLettersNeedTheInputAsItWas(t *testing.T) {
	t.Parallel()
	w, job := mixed(t)
	w.MustRun(job)
	for what, lines := range map[string][]string{"shorter": durabletest.Tickets(3), "other ids": durabletest.Others(0, 1000)} {
		w.Write("other.jsonl", lines...)
		var last error
		for _, err := range archive.DeadLetters(w.Archive("tickets"), archive.Query{}, source.JSONL[durabletest.Ticket](w.Path("other.jsonl")), ticketKey) {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), "give the input as it was") {
			t.Errorf("%s: %v", what, last)
		}
	}
}
