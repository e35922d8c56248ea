package gemini

import (
	"net/http"
	"strconv"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/chance"
	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// rows writes the rows of results by hand: reflection would cost more than all
// the rest of a row.
type rows struct {
	batch   protocol.Batch
	serial  int    // of the row
	params  params // of the row that was read last
	schemas schemas
}

// Rows returns what reads the rows of b and writes their results.
func (Protocol) Rows(b protocol.Batch) protocol.Rows {
	return &rows{batch: b, schemas: newSchemas()}
}

// Read takes a line apart.
func (e *rows) Read(line []byte) protocol.Row {
	in := parseRow(line) // valid, or the batch would not run
	var err error
	e.params, err = parseParams(in.request, e.batch.Endpoint)
	if err == nil {
		err = e.schemas.check(&e.params)
	}
	row := protocol.Row{ID: in.key, CustomID: unquote(in.key), Body: in.request, Request: &e.params}
	if err != nil {
		row.Error = &protocol.RowError{Status: http.StatusBadRequest, Message: err.Error()}
	}
	return row
}

// AppendResult appends the line of a row that ran.
func (e *rows) AppendResult(b []byte, r protocol.Row, reply protocol.Reply) []byte {
	b = e.appendKey(b, r.ID)
	switch failure := reply.Error; {
	case reply.Raw != nil:
		return append(append(b, reply.Raw...), "}\n"...)
	case failure != nil && reply.Body == nil:
		b = appendStatus(append(b, `"error":`...), codeOf(failure.Status), failure.Message)
	case failure != nil:
		b = append(append(b, `"error":`...), reply.Body...)
	default:
		b = e.appendAnswer(append(b, `"response":`...), r, reply)
	}
	return append(b, "}\n"...)
}

// AppendNotRun appends the line of a row that did not run.
func (e *rows) AppendNotRun(b []byte, r protocol.Row, expired bool) []byte {
	message := "The batch was cancelled before this request ran."
	if expired {
		message = "The batch expired before this request ran."
	}
	return append(appendStatus(append(e.appendKey(b, r.ID), `"error":`...), 1, message), "}\n"...)
}

// appendKey appends what names a row: a key in a file, metadata within a batch.
// A row that has no name gets none.
func (e *rows) appendKey(b, key []byte) []byte {
	e.serial++
	switch {
	case key == nil:
		return append(b, '{')
	case e.batch.Ordered:
		b = append(append(b, `{"metadata":{"key":`...), key...)
		return append(b, `},`...)
	}
	b = append(append(b, `{"key":`...), key...)
	return append(b, ',')
}

// appendStatus appends a google.rpc.Status.
func appendStatus(b []byte, code int, message string) []byte {
	b = append(b, `{"code":`...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(b, `,"message":`...)
	b = scan.AppendString(b, message)
	return append(b, '}')
}

// ResultFile describes the file of results. It belongs to the batch.
func (e *rows) ResultFile(_ protocol.ResultKind, now time.Time) protocol.File {
	f := protocol.File{Purpose: "application/jsonl", Hidden: true}
	if !e.batch.Ordered {
		f.Expires = now.Add(resultLife)
	}
	return f
}

// appendAnswer appends the body of a successful response.
func (e *rows) appendAnswer(b []byte, r protocol.Row, reply protocol.Reply) []byte {
	switch {
	case reply.Body != nil:
		return append(b, reply.Body...)
	case e.batch.Endpoint == embedEndpoint:
		return appendEmbedding(b, r.Request, string(e.params.dimension))
	case reply.Refusal != "":
		b = append(b, `{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}`...)
	default:
		b = appendCandidate(append(b, '{'), reply)
	}
	b = append(b, `,"usageMetadata":{"promptTokenCount":`...)
	b = strconv.AppendInt(b, reply.InputTokens, 10)
	if reply.Refusal == "" && reply.OutputTokens > 0 {
		b = append(b, `,"candidatesTokenCount":`...)
		b = strconv.AppendInt(b, reply.OutputTokens, 10)
	}
	if reply.CachedTokens > 0 {
		b = append(b, `,"cachedContentTokenCount":`...)
		b = strconv.AppendInt(b, reply.CachedTokens, 10)
	}
	b = append(b, `,"totalTokenCount":`...)
	b = strconv.AppendInt(b, reply.InputTokens+reply.OutputTokens, 10)
	b = append(b, `,"promptTokensDetails":[{"modality":"TEXT","tokenCount":`...)
	b = strconv.AppendInt(b, reply.InputTokens, 10)
	b = append(b, `}]},"modelVersion":`...)
	b = scan.AppendString(b, e.batch.Model)
	b = append(b, `,"responseId":"`...)
	b = append(b, e.batch.ID...)
	b = append(b, '-')
	b = strconv.AppendInt(b, int64(e.serial), 10)
	return append(b, `"}`...)
}

// finishReasons are the words of the API for why an answer ends.
var finishReasons = map[string]string{
	"": "STOP", protocol.FinishStop: "STOP", protocol.FinishLength: "MAX_TOKENS", protocol.FinishFilter: "SAFETY",
}

func appendCandidate(b []byte, reply protocol.Reply) []byte {
	b = append(b, `"candidates":[{"content":{`...)
	if reply.Text != "" {
		b = append(b, `"parts":[{"text":`...)
		b = scan.AppendString(b, reply.Text)
		b = append(b, `}],`...)
	}
	b = append(b, `"role":"model"},"finishReason":`...)
	reason, isKnown := finishReasons[reply.FinishReason]
	if !isKnown {
		reason = reply.FinishReason
	}
	b = scan.AppendString(b, reason)
	return append(b, `,"index":0}]`...)
}

// appendEmbedding answers with a vector that depends on the text.
func appendEmbedding(b []byte, request protocol.Request, dimension string) []byte {
	text, size := []byte(request.Prompt()), 4
	if n, err := strconv.Atoi(dimension); err == nil && n > 0 && n <= 3072 {
		size = n
	}
	b = append(b, `{"embedding":{"values":[`...)
	for i := range uint64(size) { //nolint:gosec // positive
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, 2*chance.Of(i, "", text)-1, 'g', -1, 32)
	}
	return append(b, `]}}`...)
}
