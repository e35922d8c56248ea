package anthropic

import (
	"io"
	"net/http"
	"strings"

	"github.com/balerhq/baler/sink/internal/schemarules"
	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// maxBody is how large the body of a live call may be.
const maxBody = 32 << 20

// answer is a reply that was written by hand.
type answer struct {
	status int
	body   []byte
}

func (a answer) serve(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = w.Write(append(a.body, '\n')) // a client that went away needs no reply
}

// ask puts a live call to the model. In the ledger it has the name that the
// client gave it in the header X-Client-Request-Id.
func ask(c call) (any, error) {
	row, err := readCall(c, rules{version: c.version})
	if err != nil {
		return nil, err
	}
	reply, err := c.Answer("/v1/messages", row)
	if err != nil {
		return nil, err
	}
	rows := rows{tier: "standard", batch: protocol.Batch{Identity: protocol.Identity{ID: strings.ToLower(protocol.NewID(""))}}}
	return answer{statusOfReply(reply), rows.appendBody(nil, row, reply)}, nil
}

// readCall reads the body of a live call and holds it to the rules of a row.
func readCall(c call, r rules) (row protocol.Row, err error) {
	body, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody+1))
	if err != nil {
		return row, invalid("The request body cannot be read: %v", err)
	}
	if len(body) > maxBody {
		return row, tooLarge("Request exceeds the maximum size")
	}
	r.files = mayRefer(c.r)
	r.schemas = schemarules.By(schemarules.Anthropic)
	p, wrong := parseParams(body, r)
	if wrong == nil && string(p.stream) == "true" {
		wrong = invalid("stream: the simulator does not stream its replies yet: leave it out")
	}
	if wrong == nil {
		wrong = checkModel(c.Rules().Models, p.modelName())
	}
	if wrong != nil {
		return row, wrong
	}
	return protocol.Row{CustomID: c.r.Header.Get("X-Client-Request-Id"), Body: body, Request: &p, Model: p.modelName()}, nil
}

// statusOfReply is the HTTP status of a reply. A call that timed out has one
// when it is live.
func statusOfReply(reply protocol.Reply) int {
	switch {
	case reply.Error == nil:
		return http.StatusOK
	case reply.Error.Status == 0:
		return http.StatusGatewayTimeout
	}
	return reply.Error.Status
}

// countTokens says how many tokens a live call would have as its input.
func countTokens(c call) (any, error) {
	row, err := readCall(c, rules{version: c.version, counts: true})
	if err != nil {
		return nil, err
	}
	return map[string]int64{"input_tokens": protocol.EstimateTokens(len(row.Body))}, nil
}
