package retry_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/balerhq/baler/retry"
)

// morgue collects rows that were given up.
type morgue []retry.Row[string]

func (m *morgue) take(row retry.Row[string]) error { *m = append(*m, row); return nil }

func items(rows []retry.Row[string]) (names []string) {
	for _, row := range rows {
		names = append(names, row.Item)
	}
	return names
}

func TestOnlyFailedRowsGoAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent [][]string
		var dead morgue
		send := func(_ context.Context, rows []retry.Row[string]) ([]error, error) {
			sent = append(sent, items(rows))
			errs := make([]error, len(rows))
			for i, row := range rows {
				switch {
				case row.Item == "flaky" && row.Attempts < 2:
					errs[i] = errBusy
				case row.Item == "broken":
					errs[i] = errBusy
				case row.Item == "wrong":
					errs[i] = errBad
				}
			}
			return errs, nil
		}
		left, err := retry.DoBatch(t.Context(), retry.Policy{}, retry.Rows([]string{"good", "flaky", "broken", "wrong"}), send, dead.take)
		if left != nil || err != nil {
			t.Fatalf("left %v, %v", left, err)
		}
		want := [][]string{{"good", "flaky", "broken", "wrong"}, {"flaky", "broken"}, {"flaky", "broken"}, {"broken"}}
		if diff := cmp.Diff(want, sent); diff != "" {
			t.Errorf("sent -want +got:\n%s", diff)
		}
		if len(dead) != 2 || dead[0].Item != "wrong" || dead[0].Attempts != 1 || dead[1].Item != "broken" || dead[1].Attempts != 4 {
			t.Errorf("dead %+v, want wrong after 1 attempt and broken after 4", dead)
		}
	})
}

// Before each wait Notify hears once, of the row that the others wait for.
func TestNotifyHearsOfTheRowThatWaitsLongest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type wait struct {
			Attempts int
			Err      string
			Delay    time.Duration
		}
		var waits []wait
		p := retry.Policy{Notify: func(attempts int, err error, delay time.Duration) {
			waits = append(waits, wait{attempts, err.Error(), delay.Truncate(time.Hour)})
		}}
		later := &retry.Error{Class: retry.Retryable, Message: "later", RetryAfter: time.Hour}
		_, err := retry.DoBatch(t.Context(), p, retry.Rows([]string{"a", "b", "c"}), func(_ context.Context, rows []retry.Row[string]) ([]error, error) {
			errs := make([]error, len(rows))
			if rows[0].Attempts < 2 {
				errs[0] = errBusy
				errs[len(rows)/2] = later // of b, and then of a
			}
			return errs, nil
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]wait{{1, later.Error(), time.Hour}, {2, later.Error(), time.Hour}}, waits); d != "" {
			t.Error(d)
		}
	})
}

func TestEarlierAttemptsCount(t *testing.T) {
	var dead morgue
	rows := []retry.Row[string]{{Item: "old", Attempts: 3}}
	_, err := retry.DoBatch(t.Context(), retry.Policy{}, rows, func(context.Context, []retry.Row[string]) ([]error, error) {
		return nil, errBusy
	}, dead.take)
	if err != nil || len(dead) != 1 || dead[0].Attempts != 4 {
		t.Errorf("dead %+v, %v; want the row given up after its fourth attempt", dead, err)
	}
}

func TestRowsThatNeedSomebodyAreLeft(t *testing.T) {
	var dead morgue
	unsure := retry.Mark(errors.New("reset"), retry.Ambiguous)
	results := map[string]error{"maybe": unsure, "wrong": errBad, "unpaid": errQuota}
	left, err := retry.DoBatch(t.Context(), retry.Policy{}, retry.Rows([]string{"fine", "maybe", "wrong", "unpaid"}),
		func(_ context.Context, rows []retry.Row[string]) ([]error, error) {
			errs := make([]error, len(rows))
			for i, row := range rows {
				errs[i] = results[row.Item]
			}
			return errs, nil
		}, dead.take)
	if diff := cmp.Diff([]string{"maybe", "unpaid"}, items(left)); diff != "" || !errors.Is(err, errQuota) {
		t.Errorf("left -want +got:\n%s, error %v", diff, err)
	}
	if len(dead) != 1 || dead[0].Item != "wrong" {
		t.Errorf("dead %+v, want the wrong one alone", dead)
	}
}

func TestCancelledBatchLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shutdown := errors.New("shutdown")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(shutdown) })
		left, err := retry.DoBatch(ctx, retry.Policy{}, retry.Rows([]string{"a", "b"}),
			func(_ context.Context, rows []retry.Row[string]) ([]error, error) {
				return []error{nil, &retry.Error{Class: retry.Retryable, RetryAfter: time.Hour}}[:len(rows)], nil
			}, func(retry.Row[string]) error { t.Error("gave a row up"); return nil })
		if !errors.Is(err, shutdown) || len(left) != 1 || left[0].Item != "b" || left[0].Attempts != 1 {
			t.Errorf("left %+v, %v; want b with its attempt and the cause", left, err)
		}
	})
}

func TestBatchMistrustsItsCaller(t *testing.T) {
	rows := retry.Rows([]string{"a", "b"})
	short := func(context.Context, []retry.Row[string]) ([]error, error) { return make([]error, 1), nil }
	if left, err := retry.DoBatch(t.Context(), retry.Policy{}, rows, short, nil); err == nil || len(left) != 2 {
		t.Errorf("one result for two rows: left %v, %v", left, err)
	}
	full := errors.New("disk full")
	bad := func(context.Context, []retry.Row[string]) ([]error, error) { return nil, errBad }
	left, err := retry.DoBatch(t.Context(), retry.Policy{}, rows, bad, func(retry.Row[string]) error { return full })
	if !errors.Is(err, full) || len(left) != 2 {
		t.Errorf("dead letters fail: left %v, %v", left, err)
	}
	if left, err := retry.DoBatch(t.Context(), retry.Policy{Delay: -1}, rows, bad, nil); err == nil || len(left) != 2 {
		t.Errorf("wrong policy: left %v, %v", left, err)
	}
}

// Whatever the rows answer, each one succeeds, is dead or is left, and none is
// sent more often than the policy allows or after it has succeeded.
func TestEveryRowEndsInOnePlace(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		answers := []error{nil, nil, errBusy, errBusy, errBad, errQuota, retry.Mark(errBusy, retry.Ambiguous)}
		p := retry.Policy{MaxAttempts: rapid.IntRange(1, 4).Draw(rt, "attempts"), Delay: 1}
		n := rapid.IntRange(0, 8).Draw(rt, "rows")
		ids := make([]int, n)
		for i := range ids {
			ids[i] = i
		}
		ends, sent := make([]int, n), make([]int, n)
		send := func(_ context.Context, rows []retry.Row[int]) ([]error, error) {
			errs := make([]error, len(rows))
			for i, row := range rows {
				sent[row.Item]++
				if errs[i] = rapid.SampledFrom(answers).Draw(rt, "answer"); errs[i] == nil {
					ends[row.Item]++
				}
			}
			return errs, nil
		}
		left, err := retry.DoBatch(t.Context(), p, retry.Rows(ids), send, func(row retry.Row[int]) error {
			ends[row.Item]++
			return nil
		})
		for _, row := range left {
			ends[row.Item]++
		}
		for i := range n {
			if ends[i] != 1 || sent[i] > p.MaxAttempts {
				rt.Fatalf("row %d ended in %d places after %d attempts", i, ends[i], sent[i])
			}
		}
		if (err == nil) != (len(left) == 0) {
			rt.Fatalf("%d left with error %v", len(left), err)
		}
	})
}

func TestDeadLettersCanBeReadBack(t *testing.T) {
	path := t.TempDir() + "/dead.jsonl"
	for _, item := range []string{"first <b>", "second"} {
		letters, err := retry.OpenDeadLetters[string](path)
		if err != nil {
			t.Fatal(err)
		}
		row := retry.Row[string]{Item: item, Attempts: 4, Err: &retry.Error{Class: retry.Permanent, Status: 400, Code: "bad", Message: "no"}}
		if err := errors.Join(letters.Write(row), letters.Close()); err != nil {
			t.Fatal(err)
		}
		appendTo(t, path, `{"time":"20`) // a crash in the middle of a line
	}
	var got []retry.DeadLetter[string]
	damaged := 0
	for letter, err := range retry.ReadDeadLetters[string](bytes.NewReader(readFile(t, path))) {
		if err != nil {
			damaged++
			continue
		}
		letter.Time = time.Time{}
		got = append(got, letter)
	}
	want := retry.DeadLetter[string]{Attempts: 4, Class: retry.Permanent, Status: 400, Code: "bad", Reason: "HTTP 400 bad: no (permanent)", Item: "first <b>"}
	second := want
	second.Item = "second"
	if diff := cmp.Diff([]retry.DeadLetter[string]{want, second}, got); diff != "" || damaged != 2 {
		t.Errorf("%d damaged lines, want 2; -want +got:\n%s", damaged, diff)
	}
}

func FuzzReadDeadLetters(f *testing.F) {
	f.Add([]byte("{\"attempts\":4,\"class\":\"permanent\",\"reason\":\"r\",\"item\":\"i\"}\n"))
	f.Add([]byte("{\"class\":\"odd\"}\n\n{\"attempts\":1"))
	f.Fuzz(func(t *testing.T, file []byte) {
		lines := 0
		for _, err := range retry.ReadDeadLetters[string](bytes.NewReader(file)) {
			if lines++; errors.Is(err, io.EOF) {
				t.Errorf("the end of the file is an error: %v", err)
			}
		}
		if most := len(slices.Collect(bytes.Lines(file))); lines > most {
			t.Errorf("%d letters in %d lines", lines, most)
		}
	})
}
