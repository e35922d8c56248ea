package call_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/call"
	"github.com/balerhq/baler/retry"
)

// collect runs a stage over items and returns what came out.
func collect[In, Out any](t *testing.T, s flow.Stage[In, Out], items ...In) ([]Out, error) {
	t.Helper()
	p := flow.New(t.Context())
	var got []Out
	for out := range flow.Chan(p, flow.Via(p, flow.From(p, slices.Values(items)), s)) {
		got = append(got, out)
	}
	return got, p.Wait()
}

func TestAFailedCallIsDataAndABlockedOneIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tried := map[string]int{}
		send := func(_ context.Context, to string) (int, error) {
			switch tried[to]++; {
			case to == "wrong":
				return 0, errWrong
			case to == "unpaid":
				return 0, errUnpaid
			case to == "busy" && tried[to] == 1:
				return 0, errBusy
			}
			return len(to), nil
		}
		c := newCaller(t, call.Config{Name: "mail"})
		got, err := collect(t, call.Map(c, send), "ann", "wrong", "busy")
		if err != nil || len(got) != 3 || got[0].Value != 3 || !errors.Is(got[1].Err, errWrong) || got[2].Value != 4 || got[2].Item != "busy" {
			t.Errorf("got %v, %v", got, err)
		}
		if _, err := collect(t, call.Map(c, send), "unpaid"); !errors.Is(err, errUnpaid) || !strings.Contains(err.Error(), "call mail") {
			t.Error(err)
		}
	})
}

// table is a server that takes rows: it refuses some for a while, and some for
// good.
type table struct {
	sent  [][]string
	rows  []string
	tries map[string]int
}

// insert decides by the name of a row what becomes of it.
func (s *table) insert(_ context.Context, items []string) ([]error, error) {
	s.sent = append(s.sent, slices.Clone(items))
	if s.tries == nil {
		s.tries = map[string]int{}
	}
	errs := make([]error, len(items))
	for i, item := range items {
		s.tries[item]++
		switch {
		case strings.HasPrefix(item, "bad"):
			errs[i] = errWrong
		case strings.HasPrefix(item, "busy") && s.tries[item] < 3, strings.HasPrefix(item, "never"):
			errs[i] = errBusy
		case strings.HasPrefix(item, "unclear"):
			errs[i] = errUnclear
		case strings.HasPrefix(item, "unpaid"):
			errs[i] = errUnpaid
		default:
			s.rows = append(s.rows, item)
		}
	}
	return errs, nil
}

func batchOf(items ...string) accumulator.Batch[string] {
	return accumulator.Batch[string]{Items: items}
}

// lines writes what became of rows.
func lines(rows []retry.Row[string]) []string {
	var all []string
	for _, r := range rows {
		all = append(all, fmt.Sprintf("%s %d %v", r.Item, r.Attempts, retry.ClassOf(r.Err)))
	}
	slices.Sort(all)
	return all
}

type letters struct{ rows []retry.Row[string] }

func (l *letters) write(r retry.Row[string]) error {
	l.rows = append(l.rows, r)
	return nil
}

func TestOnlyFailedRowsAreSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s table
		var dead letters
		c := newCaller(t, call.Config{})
		got, err := collect(t, call.Batches(c, s.insert, dead.write), batchOf("a", "bad", "busy", "b"), batchOf("never", "unclear", "c"))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{"a 1 none", "b 1 none", "bad 1 permanent", "busy 3 none", "c 1 none", "never 4 retryable", "unclear 1 ambiguous"}, lines(got)); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{"bad 1 permanent", "never 4 retryable", "unclear 1 ambiguous"}, lines(dead.rows)); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([][]string{{"a", "bad", "busy", "b"}, {"busy"}, {"busy"}, {"never", "unclear", "c"}, {"never"}, {"never"}, {"never"}}, s.sent); d != "" {
			t.Error(d)
		}
	})
}

func TestABlockedRowEndsTheStageAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s table
		var dead letters
		_, err := collect(t, call.Batches(newCaller(t, call.Config{}), s.insert, dead.write), batchOf("a", "unpaid", "busy", "unclear"))
		if !errors.Is(err, errUnpaid) {
			t.Error(err)
		}
		if d := cmp.Diff([]string{"busy 1 retryable", "unclear 1 ambiguous", "unpaid 1 blocked"}, lines(dead.rows)); d != "" {
			t.Error(d)
		}
	})
}

func TestABatchThatFailsAsAWhole(t *testing.T) {
	for name, test := range map[string]struct {
		errs   []error // one for each attempt of the batch
		counts []int   // of the results of each attempt; fewer attempts have none
		want   []string
		fails  string
	}{
		"for a while":   {errs: times(2, errBusy), want: []string{"a 3 none", "b 3 none"}},
		"for good":      {errs: []error{errWrong}, want: []string{"a 1 permanent", "b 1 permanent"}},
		"a lost result": {counts: []int{1}, fails: "1 results for 2 rows"},
		"a surplus one": {counts: []int{3}, fails: "3 results for 2 rows"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attempt := 0
				var dead letters
				got, err := collect(t, call.Batches(newCaller(t, call.Config{}), func(context.Context, []string) ([]error, error) {
					attempt++
					switch {
					case attempt <= len(test.errs):
						return nil, test.errs[attempt-1]
					case attempt <= len(test.counts):
						return make([]error, test.counts[attempt-1]), nil
					}
					return nil, nil
				}, dead.write), batchOf("a", "b"))
				if test.fails != "" {
					if err == nil || !strings.Contains(err.Error(), test.fails) || len(dead.rows) != 2 {
						t.Errorf("%v, dead %v", err, dead.rows)
					}
					return
				}
				if d := cmp.Diff(test.want, lines(got)); d != "" || err != nil {
					t.Error(d, err)
				}
			})
		})
	}
}

func TestADeadLetterThatFailsEndsTheStage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s table
		_, err := collect(t, call.Batches(newCaller(t, call.Config{}), s.insert, func(retry.Row[string]) error { return errStop }), batchOf("bad"))
		if !errors.Is(err, errStop) {
			t.Error(err)
		}
	})
}

// Several batches are under way, from an accumulator that gets its memory back.
func TestBatchesInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t, call.Config{})
		start := time.Now()
		p := flow.New(t.Context())
		items := make([]string, 100)
		for i := range items {
			items[i] = fmt.Sprint("row ", i)
		}
		batches := flow.Via(p, flow.From(p, slices.Values(items)), accumulator.New[string](accumulator.Config{MaxItems: 10}))
		rows := flow.Via(p, batches, flow.Parallel(call.Batches(c, func(context.Context, []string) ([]error, error) {
			time.Sleep(time.Second)
			return nil, nil
		}, nil), flow.Concurrency{Workers: 5}))
		var got []string
		for row := range flow.Chan(p, rows) {
			got = append(got, row.Item)
		}
		if err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(items, got); d != "" || time.Since(start) != 2*time.Second {
			t.Errorf("after %s: %s", time.Since(start), d)
		}
	})
}

func TestACancelledStageReturnsTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errStop)
		defer cancel()
		var dead letters
		c := newCaller(t, call.Config{Retry: retry.Policy{MaxAttempts: 1000}, Breaker: retry.BreakerConfig{Failures: 1000}})
		p := flow.New(ctx)
		rows := flow.Via(p, flow.From(p, slices.Values([]accumulator.Batch[string]{batchOf("never")})), call.Batches(c, new(table).insert, dead.write))
		flow.To(p, rows, func(_ context.Context, r retry.Row[string]) error {
			t.Errorf("%v came out", r)
			return nil
		})
		if err := p.Wait(); !errors.Is(err, errStop) || len(dead.rows) > 0 {
			t.Errorf("%v, dead %v", err, dead.rows)
		}
	})
}
