package anthropic

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/balerhq/baler/sink/internal/schemarules"
	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// row is one parsed request of a batch. Its fields are the raw JSON of the
// members, nil for those that are absent.
type row struct {
	customID, params []byte
	unknown          string // a member that there is not
}

// parseRow takes a row apart. It reports false if it is not a JSON object.
func parseRow(line []byte) (r row, valid bool) {
	valid = scan.Members(line, func(key, value []byte) {
		switch string(key) {
		case "custom_id":
			r.customID = value
		case "params":
			r.params = value
		default:
			r.unknown = string(key)
		}
	})
	return r, valid
}

// rows writes the lines of results by hand: reflection would cost more than all
// the rest of a row.
type rows struct {
	batch   protocol.Batch
	kept    kept
	tier    string // of the service
	serial  int    // of the line
	params  params // of the row that was read last
	schemas *schemarules.Last
}

// Rows returns what reads the rows of b and writes their results.
func (Protocol) Rows(b protocol.Batch) protocol.Rows {
	e := &rows{batch: b, tier: "batch", schemas: schemarules.By(schemarules.Anthropic)}
	_ = json.Unmarshal(b.Data, &e.kept) // of a batch without any, all is as usual
	return e
}

// Read takes a row apart, and finds out what is wrong with it.
func (e *rows) Read(line []byte) protocol.Row {
	in, _ := parseRow(line) // it was checked
	id, _ := scan.Unquote(in.customID)
	r := protocol.Row{ID: in.customID, CustomID: id, Body: in.params}
	var wrong *apiError
	e.params, wrong = parseParams(in.params, rules{version: e.kept.Version, inBatch: true, files: e.kept.Files, schemas: e.schemas})
	r.Model, r.Request = e.params.modelName(), &e.params
	if wrong == nil {
		wrong = checkModel(e.kept.Models, r.Model)
	}
	if wrong != nil {
		r.Error = &protocol.RowError{Status: wrong.status, Message: wrong.message}
	}
	return r
}

// checkModel returns an error if there is no such model.
func checkModel(models []string, model string) *apiError {
	if len(models) == 0 || slices.Contains(models, model) {
		return nil
	}
	return &apiError{status: http.StatusNotFound, message: "model: " + model}
}

// AppendResult appends the line of a row that ran.
func (e *rows) AppendResult(b []byte, r protocol.Row, reply protocol.Reply) []byte {
	b = append(append(b, `{"custom_id":`...), r.ID...)
	if reply.Raw != nil {
		b = append(append(b, ','), reply.Raw...)
		return append(b, "}\n"...)
	}
	if reply.Error != nil {
		b = append(b, `,"result":{"type":"errored","error":`...)
	} else {
		b = append(b, `,"result":{"type":"succeeded","message":`...)
	}
	return append(e.appendBody(b, r, reply), "}}\n"...)
}

// appendBody appends a message, or the error of a call.
func (e *rows) appendBody(b []byte, r protocol.Row, reply protocol.Reply) []byte {
	switch {
	case reply.Body != nil:
		return append(b, reply.Body...)
	case reply.Error != nil:
		wrong := apiError{status: reply.Error.Status, message: reply.Error.Message, code: reply.Error.Code}
		e.serial++
		text, _ := json.Marshal(wrong.object("req_" + e.batch.ID + "_" + strconv.Itoa(e.serial))) //nolint:errchkjson // texts cannot fail
		return append(b, text...)
	}
	return e.appendMessage(b, r, reply)
}

// AppendNotRun appends the line of a row that did not run.
func (e *rows) AppendNotRun(b []byte, r protocol.Row, expired bool) []byte {
	b = append(append(b, `{"custom_id":`...), r.ID...)
	if expired {
		return append(b, `,"result":{"type":"expired"}}`+"\n"...)
	}
	return append(b, `,"result":{"type":"canceled"}}`+"\n"...)
}

// ResultFile describes what holds all results.
func (e *rows) ResultFile(protocol.ResultKind, time.Time) protocol.File {
	return protocol.File{Name: e.batch.ID + "_results.jsonl", Hidden: true}
}
