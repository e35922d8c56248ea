package openai

import (
	"cmp"
	stdjson "encoding/json"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

type resultLine struct {
	CustomID string `json:"custom_id"`
	Response *struct {
		StatusCode int            `json:"status_code"`
		Body       jsontext.Value `json:"body"`
	} `json:"response"`
	Error rowFault `json:"error"`
}

// rowFault is an error as it stands in a line: an object, or words.
type rowFault struct {
	Code    string
	Message string
}

// UnmarshalJSON takes whatever the error is.
func (f *rowFault) UnmarshalJSON(b []byte) error {
	var known struct {
		Code    jsontext.Value `json:"code"`
		Type    jsontext.Value `json:"type"`
		Message jsontext.Value `json:"message"`
	}
	switch string(b) {
	case "null", "false", `""`:
		return nil
	}
	if jsontext.Value(b).Kind() == '{' {
		if err := json.Unmarshal(b, &known, tolerant); err != nil {
			return err
		}
		*f = rowFault{Code: text(known.Code), Message: text(known.Message)}
	} else {
		*f = rowFault{Code: "error", Message: text(b)}
	}
	if kind := text(known.Type); f.Code == "" && f.Message+kind != "" {
		f.Code = cmp.Or(kind, "error")
	}
	return nil
}

// text is that of a JSON string, and any other value as it is written.
func text(v []byte) string {
	var s string
	if len(v) == 0 || json.Unmarshal(v, &s, tolerant) != nil {
		s = string(v)
	}
	return s
}

func (f *rowFault) rowError() *sink.RowError {
	return &sink.RowError{Class: codeClass(f.Code), Code: words(f.Code), Message: words(f.Message)}
}

// tolerant reads what compatible servers write. Every result row passes here
// twice, so the reader is the one of encoding/json/v2, which looks at each byte
// once: it takes a quarter of the time of encoding/json.
var tolerant = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// parseLine reads one line of an output or error file. Beside an error the
// Outcome belongs to no row.
func parseLine(line []byte) (sink.Outcome, error) {
	var l resultLine
	if err := json.Unmarshal(line, &l, tolerant); err != nil {
		return sink.Outcome{Err: &sink.RowError{
			Class: retry.Permanent, Code: "unreadable_line", Message: words(err.Error()),
		}}, err
	}
	o := sink.Outcome{ID: l.CustomID}
	if l.Response != nil {
		o.Status, o.Body = l.Response.StatusCode, stdjson.RawMessage(l.Response.Body)
	}
	switch {
	case l.Error != rowFault{}:
		o.Err = l.Error.rowError()
	case l.Response == nil:
		o.Err = &sink.RowError{Class: retry.Retryable, Code: "no_response", Message: "the line has neither response nor error"}
	default:
		judge(&o)
	}
	o.Skipped = o.Status == 0 && o.Err != nil
	return o, nil
}
