package durable_test

import (
	"context"
	"fmt"
	"iter"
	"strconv"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

// table is a Source that reads rows by their number, as from a database.
type table struct {
	rows []string
	next int // row to yield next
}

func (t *table) Items() iter.Seq2[Ticket, error] {
	return func(yield func(Ticket, error) bool) {
		for t.next < len(t.rows) {
			ticket := Ticket{ID: strconv.Itoa(t.next), Text: t.rows[t.next]}
			t.next++
			if !yield(ticket, nil) {
				return
			}
		}
	}
}

func (t *table) Position() (name string, line int) { return "table", t.next }

func (t *table) Checkpoint() string { return strconv.Itoa(t.next) }

func (t *table) Resume(checkpoint string) (err error) {
	t.next = 0
	if checkpoint != "" {
		t.next, err = strconv.Atoi(checkpoint)
	}
	return err
}

// A Source of one's own.
func ExampleSource() {
	job, _, tearDown := setUp(simulator.Config{})
	defer tearDown()

	job.Source = &table{rows: []string{"Where is my parcel?", "The app crashes."}}
	report, err := durable.Run(context.Background(), job)
	fmt.Println(report.Rows, "read,", report.Succeeded, "succeeded", err)

	job.Source = &table{rows: []string{"Where is my parcel?", "The app crashes."}} // in the next process
	report, err = durable.Run(context.Background(), job)
	fmt.Println(report.Rows, "read,", report.Cached, "done before", err)
	// Output:
	// 2 read, 2 succeeded <nil>
	// 2 read, 2 done before <nil>
}
