package mistral

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/wire"
)

// Call makes the synchronous call of a row, once, as sink/live needs it. A body
// that names no model, as the batch does, gets the call's. An error reply is
// returned with its error. The error is Ambiguous if the row may have been
// answered.
func (c *Client) Call(ctx context.Context, call sink.LiveCall) (reply sink.LiveReply, err error) {
	if c.cfg.Agent != "" {
		return reply, retry.Mark(errors.New("mistral: Config.Agent is for batches: leave it out of a client of live calls"), retry.Permanent)
	}
	if call.Body, err = withModel(call.Body, call.Model); err == nil {
		reply, err = c.client.Ask(ctx, call.Endpoint, call)
	}
	if err != nil {
		err = fmt.Errorf("mistral: %w", err)
	}
	return reply, err
}

// withModel returns a body that names the model, unless it names one already.
func withModel(body json.RawMessage, model string) (json.RawMessage, error) {
	members := wire.Members(jsontext.Value(body))
	if _, named := members["model"]; named || members == nil {
		return body, nil
	}
	name, err := json.Marshal(model)
	if err != nil {
		return nil, retry.Mark(err, retry.Permanent)
	}
	b := append([]byte(`{"model":`), name...)
	if len(members) > 0 {
		b = append(b, ',')
	}
	return append(b, bytes.TrimLeft(body, " \t\r\n")[1:]...), nil
}
