package anthropic

import (
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/payload"
)

// AppendRow appends a row as a line of its own, in the form in which the
// request that creates a batch has it. The endpoint is not in it.
func AppendRow(dst []byte, _ string, row sink.Row) ([]byte, error) {
	dst, err := rowFormat.AppendRow(dst, row)
	if err != nil {
		return dst, err
	}
	return append(dst, '\n'), nil
}

// before and after are what stands around the rows of a batch.
const (
	before = `{"requests":[`
	after  = `]}`
)

// rowFormat is how a row stands in the request that creates a batch.
var rowFormat = &payload.Format{
	Head: func(dst []byte, id string) []byte {
		dst = append(dst, `{"custom_id":`...)
		dst = payload.AppendString(dst, id)
		return append(dst, `,"params":`...)
	},
	Tail: "}", Between: ",",
}
