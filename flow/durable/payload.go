package durable

import (
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink"
)

// payload yields the rows of a batch as the provider gets them.
func (e *engine) payload(tag string) sink.Rows {
	return func(yield func(sink.Row, error) bool) {
		r := e.requests.NewReader()
		defer r.Close()
		for row, err := range e.Rows(tag) {
			if err != nil {
				yield(sink.Row{}, err)
				return
			}
			body, err := jobdir.ReadBody(r, &row)
			if err != nil {
				yield(sink.Row{}, e.Damaged(jobdir.RequestDir, err))
				return
			}
			if !yield(sink.Row{ID: jobdir.RowID(tag, jobdir.HashKey(row.Key)), Body: body}, nil) {
				return
			}
		}
	}
}
