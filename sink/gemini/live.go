package gemini

import (
	"context"
	"fmt"

	"github.com/balerhq/baler/sink"
)

// Call makes the synchronous call of a row, once, as sink/live needs it, at
// ContentEndpoint or EmbedEndpoint with the model in it. An error reply is
// returned with its error. The error is Ambiguous if the row may have been
// answered.
func (c *Client) Call(ctx context.Context, call sink.LiveCall) (reply sink.LiveReply, err error) {
	path, err := callPath(call)
	if err == nil {
		reply, err = c.client.Ask(ctx, path, call)
	}
	if err != nil {
		err = fmt.Errorf("gemini: %w", err)
	}
	return reply, err
}

// callPath returns the path of a synchronous call: that of a creation, with the
// method that the rows call.
func callPath(call sink.LiveCall) (string, error) {
	creation, err := creationPath(sink.Spec{Endpoint: call.Endpoint, Model: call.Model})
	if err != nil {
		return "", err
	}
	model, _ := cutVerb(creation)
	_, verb := cutVerb(call.Endpoint)
	return model + ":" + verb, nil
}
