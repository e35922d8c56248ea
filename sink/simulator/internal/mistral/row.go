package mistral

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/balerhq/baler/sink/internal/schemarules"
	"github.com/balerhq/baler/sink/simulator/internal/chatform"
	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// row is one parsed row of an input. Its fields are the raw JSON of the
// members, nil for those that are absent.
type row struct {
	customID, body []byte
	extra          string // the name of a member that is none
}

// parseRow takes a row apart. It reports false if it is not a JSON object.
func parseRow(line []byte) (r row, valid bool) {
	valid = scan.Members(line, func(key, value []byte) {
		switch string(key) {
		case "custom_id":
			r.customID = value
		case "body":
			r.body = value
		default:
			r.extra = string(key)
		}
	})
	return r, valid
}

// rows writes the lines of result files.
type rows struct {
	batch   protocol.Batch
	model   string
	created int64  // unix time of the answers
	serial  int    // of the line
	params  params // of the row that was read last
	schemas *schemarules.Last
}

// Rows returns what reads the rows of b and writes their results.
func (Protocol) Rows(b protocol.Batch) protocol.Rows { return newRows(b) }

func newRows(b protocol.Batch) *rows {
	d := jobDataOf(b)
	return &rows{
		batch: b, created: b.InProgressAt.Unix(), model: cmp.Or(d.Model, d.Agent, b.Model), schemas: schemarules.By(schemarules.Mistral),
	}
}

// Read takes a line apart. What is wrong with its body is its own error.
func (e *rows) Read(line []byte) protocol.Row {
	in, _ := parseRow(line) // valid, or the batch would not run
	id, _ := scan.Unquote(in.customID)
	e.params = parseParams(in.body)
	r := protocol.Row{ID: in.customID, CustomID: id, Body: in.body, Request: &e.params, Model: e.model}
	if r.ID == nil {
		r.ID = []byte("null")
	}
	if wrong := checkBody(e.batch.Endpoint, in.body); wrong != nil {
		r.Error = &protocol.RowError{Status: http.StatusUnprocessableEntity, Code: wrong.Type, Message: wrong.Msg}
		if len(wrong.Loc) > 0 {
			r.Error.Message = wrong.Loc[0].(string) + ": " + wrong.Msg //nolint:forcetypeassert // checkBody makes it
		}
	} else if problem := chatform.Refused(e.params.format, e.schemas); problem != "" {
		r.Error = &protocol.RowError{Status: http.StatusBadRequest, Code: "invalid_request_error", Message: problem}
	}
	return r
}

// AppendResult appends the line of a row that ran.
func (e *rows) AppendResult(b []byte, r protocol.Row, reply protocol.Reply) []byte {
	e.serial++
	b = append(b, `{"id":"batch-`...)
	b = append(b, e.batch.ID[:8]...)
	b = append(b, '-')
	b = strconv.AppendInt(b, int64(e.serial), 10)
	b = append(b, `","custom_id":`...)
	b = append(b, r.ID...) // as the client wrote it
	if reply.Raw != nil {
		b = append(append(b, ','), reply.Raw...)
		return append(b, "}\n"...)
	}
	b = append(b, `,"response":`...)
	if reply.Error != nil && reply.Error.Status == 0 {
		b = append(b, `null,"error":`...)
		b = appendError(b, *reply.Error)
		return append(b, "}\n"...)
	}
	b = append(b, `{"status_code":`...)
	b = strconv.AppendInt(b, int64(status(reply)), 10)
	b = append(b, `,"body":`...)
	b = e.appendBody(b, r, reply)
	return append(b, "},\"error\":null}\n"...)
}

// AppendNotRun appends nothing: only rows that ran are in the files.
func (e *rows) AppendNotRun(b []byte, _ protocol.Row, _ bool) []byte { return b }

// status is the HTTP status of a reply.
func status(reply protocol.Reply) int {
	if reply.Error != nil {
		return cmp.Or(reply.Error.Status, http.StatusGatewayTimeout)
	}
	return http.StatusOK
}

func (e *rows) appendBody(b []byte, r protocol.Row, reply protocol.Reply) []byte {
	switch {
	case reply.Body != nil:
		return append(b, reply.Body...)
	case reply.Error != nil:
		return appendError(b, *reply.Error)
	}
	return e.appendAnswer(b, r, reply)
}

// appendError appends the body of a row that failed. That of an invalid one has
// the violation in its message.
func appendError(b []byte, e protocol.RowError) []byte {
	kind, code := kindOf(cmp.Or(e.Status, http.StatusInternalServerError))
	if e.Status == 0 {
		kind, code = "request_timeout", "request_timeout"
	}
	var body any = failure(0, cmp.Or(e.Code, code), kind, "%s", e.Message)
	if e.Status == http.StatusUnprocessableEntity {
		v := violation{Type: e.Code, Loc: []any{}, Msg: e.Message}
		if name, msg, found := strings.Cut(e.Message, ": "); found {
			v.Loc, v.Msg = []any{name}, msg
		}
		body = map[string]any{
			"object": "error", "message": map[string]any{"detail": []violation{v}}, "type": "invalid_request_error", "param": nil, "code": nil,
		}
	}
	text, _ := json.Marshal(body) //nolint:errchkjson // it has nothing that fails
	return append(b, text...)
}

// ResultFile describes the output file or the error file. Results of a job
// whose rows came with it are shown with it.
func (e *rows) ResultFile(kind protocol.ResultKind, _ time.Time) protocol.File {
	name, sample := "results", sampleResult
	if kind == protocol.NotSucceeded {
		name, sample = "errors", sampleError
	}
	return protocol.File{
		Name: e.batch.ID + "_" + name + ".jsonl", Purpose: "batch", Hidden: jobDataOf(e.batch).Inline,
		Data: fileData{Sample: sample, Source: "mistral"}.encode(),
	}
}
