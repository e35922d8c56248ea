package queue_test

import (
	"context"
	"testing"
	"time"

	"github.com/balerhq/baler/queue"
)

type job struct {
	id  string
	pri queue.Priority
	due time.Time
}

func (j job) ID() string               { return j.id }
func (j job) Priority() queue.Priority { return j.pri }

func TestMostUrgentLeavesFirst(t *testing.T) {
	q := queue.By(job.Priority, queue.Config{}).Index(job.ID)
	for _, j := range []job{{id: "a"}, {id: "b", pri: queue.High}, {id: "c", pri: queue.Low}, {id: "d", pri: 7}} {
		if err := q.Push(t.Context(), j); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := q.Position("c"); n != 3 || err != nil {
		t.Errorf("position of the low item: %d, %v", n, err)
	}
	q.Close()
	got := ""
	for {
		j, err := q.Pop(context.Background())
		if err != nil {
			break
		}
		got += j.id
	}
	if got != "dbac" {
		t.Errorf("left in the order %q", got)
	}
}
