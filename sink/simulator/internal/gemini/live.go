package gemini

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// answer is a reply that was written by hand.
type answer []byte

func (a answer) serve(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_, _ = w.Write(append(a, '\n')) // a client that went away needs no reply
}

// ask puts a live call to the model.
func ask(endpoint string) handler {
	return func(s protocol.Session, r *http.Request) (any, error) {
		model := r.PathValue("model")
		body, err := readBody(s, r, model)
		if err != nil {
			return nil, err
		}
		text, err := put(s, body, endpoint, model)
		return answer(text), err
	}
}

// put puts the body of a call to the model, and returns the body of the reply.
func put(s protocol.Session, body []byte, endpoint, model string) ([]byte, error) {
	p, err := parseParams(body, endpoint)
	if err == nil {
		err = newSchemas().check(&p)
	}
	if err != nil {
		return nil, err
	}
	row := protocol.Row{Body: body, Request: &p, Model: model}
	reply, err := s.Answer(endpoint, row)
	if err != nil {
		return nil, err
	}
	if e := reply.Error; e != nil {
		code := codeOf(e.Status)
		status := e.Status
		if status == 0 {
			status = http.StatusGatewayTimeout
		}
		return nil, &apiError{status: status, word: wordOf(code), message: e.Message}
	}
	rows := &rows{batch: protocol.Batch{Identity: protocol.Identity{ID: protocol.NewID("")}, Endpoint: endpoint, Model: model}, params: p}
	return rows.appendAnswer(nil, row, reply), nil
}

// maxEmbeds is how many texts one live call may embed.
const maxEmbeds = 100

// embedAll embeds several texts in one live call, as official clients do even
// with one. Each is a call to the model.
func embedAll(s protocol.Session, r *http.Request) (any, error) {
	model := r.PathValue("model")
	body, err := readBody(s, r, model)
	if err != nil {
		return nil, err
	}
	var read reader
	var requests []byte
	var all [][]byte
	read.object("", body, members{"requests": &requests})
	isList := scan.Elements(requests, func(request []byte) { all = append(all, request) })
	switch {
	case read.err != nil:
		return nil, read.err
	case !isList || len(all) == 0:
		return nil, invalid("* BatchEmbedContentsRequest.requests: requests is not specified")
	case len(all) > maxEmbeds:
		return nil, invalid("* BatchEmbedContentsRequest.requests: at most %d requests can be in one batch", maxEmbeds)
	}
	var reply struct {
		Embeddings []json.RawMessage `json:"embeddings"`
	}
	for i, request := range all {
		if named := modelIn(request); named != "models/"+model {
			return nil, invalid("* BatchEmbedContentsRequest.requests[%d].model: %q is not the model of the request", i, named)
		}
		text, err := put(s, request, embedEndpoint, model)
		if err != nil {
			return nil, err
		}
		var one struct {
			Embedding json.RawMessage `json:"embedding"`
		}
		if err := json.Unmarshal(text, &one); err != nil {
			return nil, err
		}
		reply.Embeddings = append(reply.Embeddings, one.Embedding)
	}
	return reply, nil
}

func modelIn(request []byte) (model string) {
	scan.Members(request, func(key, value []byte) {
		if string(key) == "model" {
			model = unquote(value)
		}
	})
	return model
}

func readBody(s protocol.Session, r *http.Request, model string) ([]byte, error) {
	rules := s.Rules()
	body, err := io.ReadAll(io.LimitReader(r.Body, rules.InlineBytes+1))
	switch {
	case err != nil:
		return nil, invalid("The request cannot be read: %v", err)
	case int64(len(body)) > rules.InlineBytes:
		return nil, invalid("Request payload size exceeds the limit: %d bytes.", rules.InlineBytes)
	case len(rules.Models) > 0 && !slices.Contains(rules.Models, model):
		return nil, noModel(model, "generateContent")
	case !json.Valid(body):
		return nil, invalid("Invalid JSON payload received. It cannot be parsed.")
	}
	return body, nil
}

// countTokens counts a token for every four bytes.
func countTokens(s protocol.Session, r *http.Request) (any, error) {
	body, err := readBody(s, r, r.PathValue("model"))
	if err != nil {
		return nil, err
	}
	var read reader
	var contents, request []byte
	read.object("", body, members{"contents": &contents, "generateContentRequest": &request})
	switch {
	case read.err != nil:
		return nil, read.err
	case (contents == nil) == (request == nil):
		return nil, invalid("Exactly one of contents and generate_content_request must be set.")
	case request != nil:
		if _, err := parseParams(request, contentEndpoint); err != nil {
			return nil, err
		}
	default:
		if read.contents(contents); read.err != nil {
			return nil, read.err
		}
	}
	n := protocol.EstimateTokens(len(body))
	return map[string]any{"totalTokens": n, "promptTokensDetails": []any{map[string]any{"modality": "TEXT", "tokenCount": n}}}, nil
}
