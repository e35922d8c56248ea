package openai

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/balerhq/baler/sink/internal/schemarules"
	"github.com/balerhq/baler/sink/simulator/internal/chatform"
	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// liveEndpoints are the paths of live calls. Batches have more.
var liveEndpoints = []string{
	"/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/moderations", "/v1/completions",
}

// answer is a reply that was written by hand.
type answer struct {
	status int
	body   []byte
}

func (a answer) serve(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = w.Write(append(a.body, '\n')) // a client that went away needs no reply
}

// ask puts a live call to the model. In the ledger it has the name that the
// client gave it in the header X-Client-Request-Id.
func ask(endpoint string) handler {
	return func(s protocol.Session, r *http.Request) (any, error) {
		row, err := readCall(s, r, endpoint)
		if err != nil {
			return nil, err
		}
		reply, err := s.Answer(endpoint, row)
		if err != nil {
			return nil, err
		}
		b := protocol.Batch{
			Identity: protocol.Identity{ID: strings.ToLower(protocol.NewID("live_"))}, Endpoint: endpoint,
			Model: row.Model, InProgressAt: s.Now(),
		}
		rows := newRows(b)
		return answer{status(reply), rows.appendBody(nil, row, reply)}, nil
	}
}

// readCall reads the body of a live call and holds it to the rules of a row.
func readCall(s protocol.Session, r *http.Request, endpoint string) (row protocol.Row, err error) {
	rules := s.Rules()
	body, err := io.ReadAll(io.LimitReader(r.Body, rules.BatchBytes+1))
	switch {
	case err != nil:
		return row, invalid("", "", "The request body cannot be read: %v", err)
	case int64(len(body)) > rules.BatchBytes:
		return row, &apiError{
			status: http.StatusRequestEntityTooLarge, Type: "invalid_request_error", Message: "The request is too large.",
		}
	case !json.Valid(body):
		return row, invalid("", "", "We could not parse the JSON body of your request.")
	}
	p, _ := parseParams(body)
	if string(p.stream) == "true" {
		return row, invalid("streaming_unsupported", "stream",
			"The simulator does not stream its replies yet. Leave out 'stream'.")
	}
	v := &validation{rules: rules, endpoint: endpoint}
	if v.body(1, body); len(v.errors) > 0 {
		e := v.errors[0]
		wrong := invalid(e.Code, strings.TrimPrefix(*e.Param, "body."), "%s", e.Message)
		if e.Code == "model_not_found" {
			wrong.status = http.StatusNotFound
		}
		return row, wrong
	}
	if problem := chatform.Refused(p.format, schemarules.By(schemarules.OpenAI)); problem != "" {
		return row, invalid("", formatParam(endpoint), "%s", problem)
	}
	return protocol.Row{CustomID: r.Header.Get("X-Client-Request-Id"), Body: body, Request: &p, Model: v.model}, nil
}

// formatParam is the member of a body that asks for a schema.
func formatParam(endpoint string) string {
	if endpoint == "/v1/responses" {
		return "text.format"
	}
	return "response_format"
}

// status is the HTTP status of a reply. A call that timed out has one when it
// is live.
func status(reply protocol.Reply) int {
	switch {
	case reply.Error == nil:
		return http.StatusOK
	case reply.Error.Status == 0:
		return http.StatusRequestTimeout
	}
	return reply.Error.Status
}
