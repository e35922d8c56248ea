package durable

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/balerhq/baler/flow/source"
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
		want, out := make(chan struct{}), make(chan group)
		go func() {
			defer close(out)
			if err := r.read(t.Context(), want, out); err != nil {
				t.Error(err)
			}
		}()
		for {
			synctest.Wait()
			select {
			case want <- struct{}{}:
				groups = append(groups, <-out)
			case <-out:
				return
			}
		}
	})
	return groups
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
	if err := errors.Join(ik.fits(100, 1000), ik.fits(100, most-100)); err != nil {
		t.Error(err)
	}
	err := ik.fits(100, most-99)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%d bytes, and one that is kept at most %d", most-99, most-100)) {
		t.Error(err)
	}
	ik.batch.MaxWeight = 10_000
	if err := ik.fits(100, 9_800); err == nil || !strings.Contains(err.Error(), "9800 bytes, and a batch at most 10000") {
		t.Error(err)
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
