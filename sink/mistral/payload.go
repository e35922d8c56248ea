package mistral

import (
	"encoding/json"
	"fmt"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/payload"
)

// AppendRow appends a row as a line of the file of a batch. The endpoint is the
// batch's, and not in it.
func AppendRow(dst []byte, _ string, row sink.Row) ([]byte, error) {
	return lineFormat.AppendRow(dst, row)
}

// lineFormat is how a row stands in the file of a batch.
var lineFormat = &payload.Format{Head: appendHead, Tail: "}\n"}

// inlineFormat is how a row stands within a creation.
var inlineFormat = &payload.Format{Head: appendHead, Tail: "}", Between: ","}

func appendHead(dst []byte, id string) []byte {
	dst = append(dst, `{"custom_id":`...)
	dst = payload.AppendString(dst, id)
	return append(dst, `,"body":`...)
}

// measure is payload.Measure, and refuses what is above the limits.
func (c *Client) measure(format *payload.Format, rows sink.Rows) (payload.Payload, error) {
	p, err := payload.Measure(format, rows)
	if err != nil {
		return p, err
	}
	if l := c.client.Limits(); l.Rows > 0 && p.Rows > l.Rows || l.Bytes > 0 && p.Size > l.Bytes {
		return p, fmt.Errorf("%w: %d rows of %d bytes, and no more than %d of %d bytes may be", sink.ErrTooLarge, p.Rows, p.Size, l.Rows, l.Bytes)
	}
	return p, nil
}

// creation is what creates a batch. Requests, of an inline one, follow it.
type creation struct {
	InputFiles []string `json:"input_files,omitempty"`
	Endpoint   string   `json:"endpoint"`
	Model      string   `json:"model,omitempty"`
	Agent      string   `json:"agent_id,omitempty"`
	Metadata   any      `json:"metadata"`
	Timeout    int      `json:"timeout_hours"`
}

// open is the creation up to its first row.
func (c *creation) open() (string, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	return string(text[:len(text)-1]) + `,"requests":[`, nil
}
