package jobdir

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/balerhq/baler/sink/llm"
)

// What happens to a copy of an entry does not happen to the entry.
func TestACopyOfAnEntryHasAPastOfItsOwn(t *testing.T) {
	t.Parallel()
	e := Entry{Route: 2}
	e.SetTries([]Try{{Route: 2, Times: 1}})
	e.SetPaid(5)
	again, err := e.Again(true).Append(llm.Message{Role: llm.RoleUser, Text: "again"})
	if err != nil {
		t.Fatal(err)
	}
	again.SetLimit(7)
	again.SetPaid(6)
	failed := again.FailedBy("content_filter")
	if e.Attempts() != 1 || e.Turns() != 0 || e.Limit() != 0 || e.Paid() != 5 {
		t.Errorf("the entry changed: %+v", e.past)
	}
	if again.Attempts() != 2 || again.Turns() != 1 || again.Limit() != 7 || again.Paid() != 6 {
		t.Errorf("the next attempt: %+v", again.past)
	}
	if failed.Turns() != 0 || !slices.Equal(failed.Tries(), []Try{{Route: 2, Times: 3, Code: "content_filter"}}) || failed.Paid() != 6 {
		t.Errorf("for another route: %+v", failed.past)
	}
	if again.Tries()[0].Code != "" {
		t.Errorf("the route failed only the later one: %+v", again.past)
	}
}

// Three batches of entries are in memory at once, so their size counts.
func TestAnEntryIsSmall(t *testing.T) {
	t.Parallel()
	if size := unsafe.Sizeof(Entry{}); size > 112 {
		t.Errorf("%d bytes", size)
	}
}
