package mistral

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"

	"github.com/balerhq/baler/sink/internal/schemarules"
	"github.com/balerhq/baler/sink/simulator/internal/chatform"
	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// liveEndpoints are the paths of live calls. Batches have more.
var liveEndpoints = []string{"/v1/chat/completions", "/v1/fim/completions", "/v1/embeddings", "/v1/moderations"}

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

// ask puts a live call to the model.
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
		rows := newRows(protocol.Batch{
			Identity: protocol.Identity{ID: uuid()}, Endpoint: endpoint, Model: row.Model, InProgressAt: s.Now(),
		})
		return answer{status(reply), rows.appendBody(nil, row, reply)}, nil
	}
}

// readCall reads the body of a live call and holds it to the rules of a row.
func readCall(s protocol.Session, r *http.Request, endpoint string) (row protocol.Row, err error) {
	rules := s.Rules()
	body, err := io.ReadAll(io.LimitReader(r.Body, rules.BatchBytes+1))
	switch {
	case err != nil:
		return row, unreadable(err)
	case int64(len(body)) > rules.BatchBytes:
		return row, failure(http.StatusRequestEntityTooLarge, "", "invalid_request_error", "The request is too large")
	case !json.Valid(body):
		return row, wrong("json_invalid", "JSON decode error", nil, "body")
	}
	p := parseParams(body)
	model, _ := scan.Unquote(p.model)
	invalid := checkBody(endpoint, body)
	switch {
	case invalid != nil:
		return row, wrong(invalid.Type, invalid.Msg, nil, append([]any{"body"}, invalid.Loc...)...)
	case model == "":
		return row, wrong("missing", "Field required", nil, "body", "model")
	case len(rules.Models) > 0 && !slices.Contains(rules.Models, model):
		return row, failure(http.StatusBadRequest, "1500", "invalid_model", "Invalid model: %s", model)
	}
	if problem := chatform.Refused(p.format, schemarules.By(schemarules.Mistral)); problem != "" {
		return row, failure(http.StatusBadRequest, "", "invalid_request_error", "%s", problem)
	}
	return protocol.Row{Body: body, Request: &p, Model: model}, nil
}
