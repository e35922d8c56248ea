package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// Ask makes the synchronous call of a row at a path, once. It is Ambiguous if
// the row may have been answered and there is no whole answer. An error reply
// is returned with its error, whose class is never that.
func (c *Client) Ask(ctx context.Context, path string, call sink.LiveCall) (sink.LiveReply, error) {
	if !strings.HasPrefix(path, "/") { // it comes from outside, and must not name another host
		return sink.LiveReply{}, retry.Mark(fmt.Errorf("endpoint %q: must be a path such as /v1/chat/completions", call.Endpoint), retry.Permanent)
	}
	a, err := c.api.Ask(ctx, httpclient.Call{
		Method: http.MethodPost, Path: path, Effect: retry.EffectCreate, Kind: httpclient.Unpaced, Header: call.Header,
		Body: io.NopCloser(bytes.NewReader(call.Body)), Size: int64(len(call.Body)), ContentType: "application/json",
	})
	return sink.LiveReply(a), err
}
