package queue_test

import (
	"testing"

	"github.com/balerhq/baler/queue"
)

func TestAQueueSaysWhatItHolds(t *testing.T) {
	t.Parallel()
	q := queue.By(func(n int) queue.Priority { return queue.Priority(n) }, queue.Config{Capacity: 5})
	for n := range 3 {
		if err := q.Push(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	if got := q.Stats(); got != (queue.Stats{Queued: 3, Capacity: 5}) || q.String() != "queue" {
		t.Errorf("%s: %+v", q, got)
	}
	var zero queue.Durable[int]
	if got := zero.Stats(); got != (queue.Stats{}) || zero.String() != "durable queue" {
		t.Errorf("%s: %+v", &zero, got)
	}
}
