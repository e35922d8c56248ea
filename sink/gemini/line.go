package gemini

import (
	stdjson "encoding/json"
	"errors"
	"net/http"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/loose"
	"github.com/balerhq/baler/sink/internal/wire"
)

// resultLine is a row of results: a line of a file, or an element of the lists
// in an operation.
type resultLine struct {
	Key      jsontext.Value `json:"key"`      // of a line
	Metadata jsontext.Value `json:"metadata"` // of an element: it has the key
	Response jsontext.Value `json:"response"`
	Error    jsontext.Value `json:"error"`
	Status   jsontext.Value `json:"status"`
}

var errNoRow = errors.New("line is no row of results")

// parseLine reads a row of results. Beside an error the Outcome belongs to no
// row. Without a key the Outcome has no ID.
func parseLine(line []byte) (sink.Outcome, error) {
	var l resultLine
	if err := jsonv2.Unmarshal(line, &l, tolerant); err != nil {
		return sink.Outcome{}, err
	}
	key := loose.Text(stdjson.RawMessage(l.Key))
	if key == "" {
		key = loose.Text(stdjson.RawMessage(wire.Members(l.Metadata)["key"]))
	}
	if key == "" && l.Response == nil && l.Error == nil && l.Status == nil {
		return sink.Outcome{}, errNoRow
	}
	return l.outcome(key), nil
}

// outcome says what became of the row. An answer counts for more than an error
// beside it, unless it is none.
func (l *resultLine) outcome(key string) sink.Outcome {
	failure := parseFault(l.Error)
	if !failure.isSet {
		failure = parseFault(l.Status)
	}
	said := len(l.Response) > 0 && l.Response.Kind() != 'n' && string(l.Response) != "{}"
	switch {
	case failure.isSet && !said:
		return failure.outcome(key)
	case l.Response == nil || l.Response.Kind() == 'n':
		return sink.Outcome{ID: key, Skipped: true, Err: &sink.RowError{
			Class: retry.Retryable, Code: "no_response", Message: "the line has neither response nor error",
		}}
	}
	o := sink.Outcome{ID: key, Status: http.StatusOK, Body: stdjson.RawMessage(l.Response)}
	switch {
	case l.Response.Kind() != '{':
		o.Err = &sink.RowError{Class: retry.Permanent, Code: "unreadable_reply", Message: "the answer is no object"}
	case !said:
		o.Err = &sink.RowError{Class: retry.Permanent, Code: "no_answer", Message: "the provider reports success, and no answer"}
	}
	return o
}
