package openai

import (
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/payload"
)

// AppendRow appends a row as a line of the file of a batch.
func AppendRow(dst []byte, endpoint string, row sink.Row) ([]byte, error) {
	return lineFormat(endpoint).AppendRow(dst, row)
}

// lineFormat is how a row stands in the file of a batch.
func lineFormat(endpoint string) *payload.Format {
	return &payload.Format{
		Head: func(dst []byte, id string) []byte {
			dst = append(dst, `{"custom_id":`...)
			dst = payload.AppendString(dst, id)
			dst = append(dst, `,"method":"POST","url":`...)
			dst = payload.AppendString(dst, endpoint)
			return append(dst, `,"body":`...)
		},
		Tail: "}\n",
	}
}
