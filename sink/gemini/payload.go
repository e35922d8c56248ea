package gemini

import (
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/payload"
)

// AppendRow appends a row as a line of the file of a batch. The endpoint is not
// in it.
func AppendRow(dst []byte, _ string, row sink.Row) ([]byte, error) {
	return lineFormat.AppendRow(dst, row)
}

// lineFormat is how a row stands in the file of a batch.
var lineFormat = &payload.Format{
	Head: func(dst []byte, id string) []byte {
		dst = payload.AppendString(append(dst, `{"key":`...), id)
		return append(dst, `,"request":`...)
	},
	Tail: "}\n",
}

// inlineFormat is how a row stands in a creation.
var inlineFormat = &payload.Format{
	Head: func(dst []byte, id string) []byte {
		dst = payload.AppendString(append(dst, `{"metadata":{"key":`...), id)
		return append(dst, `},"request":`...)
	},
	Tail: "}", Between: ",",
}

// What stands before and after the rows in a creation.
const (
	inlineBegin = `{"batch":{"displayName":`
	inlineRows  = `,"inputConfig":{"requests":{"requests":[`
	inlineEnd   = `]}}}}`
)

func beforeInline(tag string) string {
	return string(payload.AppendString([]byte(inlineBegin), tag)) + inlineRows
}

// inlineOverhead is how much longer a row is in a creation than in a file.
var inlineOverhead = len(inlineFormat.Head(nil, "")) + len(inlineFormat.Tail) + len(inlineFormat.Between) -
	len(lineFormat.Head(nil, "")) - len(lineFormat.Tail)

// inlineSize is how large the creation is that has the rows in it.
func inlineSize(tag string, lines *payload.Payload) int64 {
	return int64(len(beforeInline(tag))+len(inlineEnd)+lines.Rows*inlineOverhead) + lines.Size
}
