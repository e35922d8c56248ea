package openai

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/balerhq/baler/sink/internal/schemarules"
	"github.com/balerhq/baler/sink/simulator/internal/chatform"
	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// rows writes the lines of result files by hand: reflection would cost more
// than all the rest of a row.
type rows struct {
	batch   protocol.Batch
	created int64  // unix time of the answers
	serial  int    // of the line
	params  params // of the row that was read last
	schemas *schemarules.Last
}

// Rows returns what reads the rows of b and writes their results.
func (Protocol) Rows(b protocol.Batch) protocol.Rows { return newRows(b) }

func newRows(b protocol.Batch) *rows {
	return &rows{batch: b, created: b.InProgressAt.Unix(), schemas: schemarules.By(schemarules.OpenAI)}
}

// Read takes a line apart. A schema that the model does not take is found out
// when the row runs.
func (e *rows) Read(line []byte) protocol.Row {
	in, _ := parseRow(line) // valid, or the batch would not run
	id, _ := scan.Unquote(in.customID)
	e.params, _ = parseParams(in.body)
	r := protocol.Row{ID: in.customID, CustomID: id, Body: in.body, Request: &e.params}
	if problem := chatform.Refused(e.params.format, e.schemas); problem != "" {
		r.Error = &protocol.RowError{Status: http.StatusBadRequest, Message: problem}
	}
	return r
}

// AppendResult appends the line of a row that ran.
func (e *rows) AppendResult(b []byte, r protocol.Row, reply protocol.Reply) []byte {
	if reply.Raw != nil {
		return e.appendRaw(b, r.ID, reply.Raw)
	}
	status := http.StatusOK
	if failure := reply.Error; failure != nil {
		if status = failure.Status; status == 0 {
			return e.appendFailure(b, r.ID, cmp.Or(failure.Code, "request_timeout"), failure.Message)
		}
	}
	b = e.appendHead(b, r.ID)
	b = append(b, `{"status_code":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, `,"request_id":"req_`...)
	b = e.appendSerial(b)
	b = append(b, `","body":`...)
	b = e.appendBody(b, r, reply)
	return append(b, "},\"error\":null}\n"...)
}

// appendBody appends the body of the response to a row.
func (e *rows) appendBody(b []byte, r protocol.Row, reply protocol.Reply) []byte {
	switch {
	case reply.Body != nil:
		return append(b, reply.Body...)
	case reply.Error != nil:
		return appendErrorBody(b, *reply.Error)
	default:
		return e.appendAnswer(b, r, reply)
	}
}

// AppendNotRun appends the line of a row that did not run.
func (e *rows) AppendNotRun(b []byte, r protocol.Row, expired bool) []byte {
	if expired {
		return e.appendFailure(b, r.ID, "batch_expired",
			"This request could not be executed before the completion window expired.")
	}
	return e.appendFailure(b, r.ID, "batch_cancelled",
		"This request was not executed because the batch was cancelled.")
}

// appendFailure appends the line of a row that gave no response.
func (e *rows) appendFailure(b, customID []byte, code, message string) []byte {
	b = e.appendHead(b, customID)
	b = append(b, `null,"error":{"code":`...)
	b = scan.AppendString(b, code)
	b = append(b, `,"message":`...)
	b = scan.AppendString(b, message)
	return append(b, "}}\n"...)
}

// appendRaw appends a line with members of somebody else's making.
func (e *rows) appendRaw(b, customID, members []byte) []byte {
	b = append(e.appendID(b, customID), ',')
	return append(append(b, members...), "}\n"...)
}

func (e *rows) appendHead(b, customID []byte) []byte {
	return append(e.appendID(b, customID), `,"response":`...)
}

func (e *rows) appendID(b, customID []byte) []byte {
	e.serial++
	b = append(b, `{"id":"batch_req_`...)
	b = e.appendSerial(b)
	b = append(b, `","custom_id":`...)
	return append(b, customID...) // as the client wrote it
}

// appendSerial appends what makes the ids of this line unique.
func (e *rows) appendSerial(b []byte) []byte {
	b = append(b, e.batch.ID...)
	b = append(b, '_')
	return strconv.AppendInt(b, int64(e.serial), 10)
}

func appendErrorBody(b []byte, e protocol.RowError) []byte {
	kind, code := "invalid_request_error", "invalid_value"
	switch {
	case e.Status == 0:
		kind, code = "server_error", "request_timeout"
	case e.Status == 429:
		kind, code = "requests", "rate_limit_exceeded"
	case e.Status >= 500:
		kind, code = "server_error", "server_error"
	}
	b = append(b, `{"error":{"message":`...)
	b = scan.AppendString(b, e.Message)
	b = append(b, `,"type":`...)
	b = scan.AppendString(b, kind)
	b = append(b, `,"param":null,"code":`...)
	b = scan.AppendString(b, cmp.Or(e.Code, code))
	return append(b, "}}"...)
}

// ResultFile describes the output file or the error file.
func (e *rows) ResultFile(kind protocol.ResultKind, now time.Time) protocol.File {
	name := "output"
	if kind == protocol.NotSucceeded {
		name = "error"
	}
	keep := e.batch.KeepFor
	if keep == 0 {
		keep = defaultKeep
	}
	return protocol.File{
		Name:    fmt.Sprintf("%s_%s.jsonl", e.batch.ID, name),
		Purpose: "batch_output",
		Expires: now.Add(keep),
	}
}
