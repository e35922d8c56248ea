package durable

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/hashindex"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// readGroups takes each group only when the reader has stopped to wait for
// that. Each item has size bytes.
func readGroups(t *testing.T, items iter.Seq[int], size int) (groups []group) {
	t.Helper()
	text := strings.Repeat("x", size)
	r := &reader[int]{requests: *newRequests(t, ""), job: &Job[int]{
		Source: source.Seq("s", items),
		Key:    strconv.Itoa,
		Prompt: func(int) (llm.Chat, error) { return llm.Ask(text), nil },
	}}
	synctest.Test(t, func(t *testing.T) {
		want, out := make(chan group), make(chan group)
		go func() {
			defer close(out)
			if err := r.read(t.Context(), t.Context(), want, out); err != nil {
				t.Error(err)
			}
		}()
		for {
			synctest.Wait()
			select {
			case want <- group{}:
				groups = append(groups, <-out)
			case <-out:
				return
			}
		}
	})
	return groups
}

// Items of a slow source are sent as they come, since the next may come in hours.
func TestASlowSourceIsNotHeldBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &reader[int]{requests: *newRequests(t, ""), job: &Job[int]{
			Source: source.Seq("s", func(yield func(int) bool) {
				for n, wait := range []time.Duration{time.Second, time.Second, 5 * time.Millisecond, 6 * time.Hour} {
					time.Sleep(wait)
					if !yield(n) {
						return
					}
				}
			}),
			Key:    strconv.Itoa,
			Prompt: func(int) (llm.Chat, error) { return llm.Ask("x"), nil },
		}}
		want, out := make(chan group), make(chan group)
		go func() {
			defer close(out)
			if err := r.read(t.Context(), t.Context(), want, out); err != nil {
				t.Error(err)
			}
		}()
		began := time.Now()
		for _, at := range []time.Duration{time.Second, 2 * time.Second, 2005 * time.Millisecond} {
			want <- group{}
			if g := <-out; len(g.rows) != 1 || time.Since(began) != at {
				t.Errorf("%d rows after %s, want one after %s", len(g.rows), time.Since(began), at)
			}
		}
		want <- group{}
		for range out {
		}
	})
}

// A group is in memory as a whole, so that large requests make smaller ones.
func TestAGroupIsBoundedByRowsAndBytes(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	items := func(yield func(int) bool) {
		for n := 0; n < 20 && yield(n); n++ {
		}
	}
	rows := 0
	for _, g := range readGroups(t, items, size) {
		if rows += len(g.rows); len(g.rows) > groupBytes/size {
			t.Errorf("a group has %d rows of %d bytes", len(g.rows), size)
		}
	}
	if rows != 20 {
		t.Errorf("%d rows of 20", rows)
	}
}

func TestARequestThatCannotBeKeptIsRefused(t *testing.T) {
	t.Parallel()
	const most = 256 << 20 // of a record
	ik := &intake{config: &config{}}
	if err := errors.Join(ik.fits(100, 1000, new(attached)), ik.fits(100, most-100, new(attached))); err != nil {
		t.Error(err)
	}
	err := ik.fits(100, most-99, new(attached))
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%d bytes, and one that is kept at most %d", most-99, most-100)) {
		t.Error(err)
	}
	ik.batch.MaxWeight = 10_000
	if err := ik.fits(100, 9_800, new(attached)); err == nil || !strings.Contains(err.Error(), "9800 bytes, and a batch at most 10000") {
		t.Error(err)
	}
	if err := ik.fits(100, 100, &attached{bytes: 9_700}); err == nil || !strings.Contains(err.Error(), "9800 bytes, and a batch at most 10000") {
		t.Errorf("with files: %v", err)
	}
	ik.maxEnqueued = 1000
	if err := ik.fits(100, 100, &attached{bytes: 9_000, tokens: 1500}); err != nil {
		t.Errorf("of 1525 tokens or half as many: %v", err)
	}
	if err := ik.fits(100, 100, &attached{tokens: 2000}); err == nil || !strings.Contains(err.Error(), "about 2025 tokens") {
		t.Errorf("of 2025 tokens: %v", err)
	}
}

// A row that is too large is left out, and so is another that asks the same
// under its key on the same line of another input, in whatever group they are.
func TestRowsThatAreTooLargeAreLeftOutEach(t *testing.T) {
	t.Parallel()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	ik := &intake{
		Dir:    &jobdir.Dir{Root: root},
		config: &config{onRejects: func(iter.Seq2[Reject, error]) error { return nil }},
	}
	if ik.items.items, err = hashindex.Open(ik.Dir, "items", itemForm, segment.Pos{}); err != nil {
		t.Fatal(err)
	}
	ik.batch.MaxWeight = 10_000
	g := group{rows: []row{
		{key: "a", name: "first.jsonl", line: 1, request: request{record: make([]byte, 20_000)}},
		{key: "a", name: "second.jsonl", line: 1, request: request{record: make([]byte, 20_000)}},
		{key: "b", name: "second.jsonl", line: 2, request: request{record: make([]byte, 20)}},
	}}
	kept, duplicates, err := ik.admit(&g)
	if err != nil || len(kept) != 1 || kept[0].key != "b" || duplicates != 0 {
		t.Errorf("%d kept, %d duplicates, %v", len(kept), duplicates, err)
	}
	if len(g.rejected) != 2 || g.rejected[0].Source != "first.jsonl" || g.rejected[1].Source != "second.jsonl" {
		t.Errorf("left out: %+v", g.rejected)
	}
}

func TestAnAnswerThatCannotBeKeptFailsItsRow(t *testing.T) {
	t.Parallel()
	o := sink.Outcome{ID: "a", Status: 200, Body: []byte(`{"n":1}`)}
	if dropTooLarge(&o, 7); o.Body == nil || o.Err != nil {
		t.Errorf("%+v", o)
	}
	if dropTooLarge(&o, 6); o.Body != nil || o.Err == nil || o.Err.Class != retry.Permanent || !strings.Contains(o.Err.Message, "7 bytes") {
		t.Errorf("%+v", o)
	}
}

// The rows of an item on other routes are no items of their own for a Feed.
func TestAnItemOfAGroupMayHaveSeveralRows(t *testing.T) {
	t.Parallel()
	var g group
	g.add(fed{row: row{key: "a@x"}, more: []row{{key: "a@y"}, {key: "a@z"}}})
	g.add(fed{row: row{key: "b@x"}})
	g.add(fed{filtered: true})
	if g.items() != 3 || len(g.rows) != 4 {
		t.Errorf("%d items, %d rows", g.items(), len(g.rows))
	}
}
