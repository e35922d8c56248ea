package anthropic

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/payload"
)

// Upload implements sink.Provider. There is nothing to upload: Create sends the
// rows.
func (c *Client) Upload(ctx context.Context, _ sink.Spec, _ sink.Rows) (string, error) {
	if err := c.made(ctx); err != nil {
		return "", fmt.Errorf("anthropic: upload: %w", err)
	}
	return "", nil
}

// made is an error for the zero Client, which can make no call.
func (c *Client) made(ctx context.Context) error {
	if c.client.Host() != "" {
		return nil
	}
	return c.client.Once(ctx, httpclient.Call{}, nil)
}

// Create implements sink.Provider. It measures the rows first, since the length
// of the request is announced. Those of a large batch are ranged over once more
// when they are sent. Rows above the Limits are sink.ErrTooLarge, and nothing
// is sent.
func (c *Client) Create(ctx context.Context, spec sink.Spec, _ string, rows sink.Rows) (string, error) {
	id, err := c.buy(ctx, spec, rows)
	if err != nil {
		return "", fmt.Errorf("anthropic: create batch: %w", err)
	}
	return id, nil
}

func (c *Client) buy(ctx context.Context, spec sink.Spec, rows sink.Rows) (string, error) {
	if spec.Endpoint != MessagesEndpoint {
		return "", retry.Mark(fmt.Errorf("endpoint %q has no batches: use %s", spec.Endpoint, MessagesEndpoint), retry.Permanent)
	}
	if err := c.made(ctx); err != nil {
		return "", err
	}
	header := c.create
	p, err := c.measure(func(yield func(sink.Row, error) bool) {
		refers := false
		for row, err := range rows {
			if !refers && refersToFiles(row.Body) {
				refers, header = true, withFiles(c.create)
			}
			if !yield(row, err) {
				return
			}
		}
	})
	if err != nil {
		return "", err
	}
	call, body := p.Inline(httpclient.Call{
		Method: http.MethodPost, Path: batchesPath, Effect: retry.EffectCreate, Kind: httpclient.Create, Header: header,
	}, before, after, rows)
	defer body.Close()
	var b batch
	err = c.client.Once(ctx, call, &b)
	if err == nil && b.ID == "" {
		err = retry.Mark(errors.New("reply names no batch"), retry.Ambiguous)
	}
	return b.ID, explain(err)
}

// measure encodes the rows, which may be as many as Anthropic takes.
func (c *Client) measure(rows sink.Rows) (payload.Payload, error) {
	p, err := payload.Measure(rowFormat, rows)
	if err != nil {
		return p, retry.Mark(err, retry.Permanent)
	}
	limits, size := c.client.Limits(), p.Size+int64(len(before+after))
	if p.Rows > limits.Rows || size > limits.Bytes {
		err = fmt.Errorf("%d rows of %d bytes, and it takes %d rows and %d bytes: %w", p.Rows, size, limits.Rows, limits.Bytes, sink.ErrTooLarge)
	}
	return p, err
}

// explain says what it means that a creation failed.
func explain(err error) error {
	said, ok := errors.AsType[*retry.Error](err)
	switch {
	case !ok || said.Class == retry.Blocked || said.Class == retry.Ambiguous:
		return err
	case said.Status == http.StatusRequestEntityTooLarge, tooMany(said):
		return client.Because(sink.ErrTooLarge, err)
	case full(said):
		return client.Because(sink.ErrFull, err)
	}
	return client.UnlessSaid(err)
}

// tooMany reports whether a batch was refused because of how many rows it has,
// or how large it is as a whole. Its code is that of any malformed request.
func tooMany(e *retry.Error) bool {
	return e.Status == http.StatusBadRequest && strings.HasPrefix(e.Message, "requests: ") && strings.Contains(e.Message, " at most ")
}

// full reports whether the account has as many requests in its queue as it may.
// The code is that of any limit.
func full(e *retry.Error) bool {
	return e.Status == http.StatusTooManyRequests && strings.Contains(strings.ToLower(e.Message), "queue")
}
