package openai

import (
	"context"
	"fmt"
	"strings"

	"github.com/balerhq/baler/sink"
)

// Call makes the synchronous call of a row, once, as sink/live needs it. The
// endpoint is below Config.BaseURL, which has the version in it. An error reply
// is returned with its error. The error is Ambiguous if the row may have been
// answered.
func (c *Client) Call(ctx context.Context, call sink.LiveCall) (sink.LiveReply, error) {
	reply, err := c.client.Ask(ctx, strings.TrimPrefix(call.Endpoint, "/v1"), call)
	if err != nil {
		err = fmt.Errorf("openai: %w", err)
	}
	return reply, err
}
