package anthropic

import (
	"context"
	"fmt"

	"github.com/balerhq/baler/sink"
)

// Call makes the synchronous call of a row, once, as sink/live needs it. An
// error reply is returned with its error. The error is Ambiguous if the row may
// have been answered.
func (c *Client) Call(ctx context.Context, call sink.LiveCall) (sink.LiveReply, error) {
	if refersToFiles(call.Body) {
		call.Header = withFiles(call.Header)
	}
	reply, err := c.client.Ask(ctx, call.Endpoint, call)
	if err != nil {
		err = fmt.Errorf("anthropic: %w", err)
	}
	return reply, err
}
