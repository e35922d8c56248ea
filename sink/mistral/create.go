package mistral

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/payload"
)

// Create implements sink.Provider. Without a file it sends the rows.
func (c *Client) Create(ctx context.Context, spec sink.Spec, file string, rows sink.Rows) (string, error) {
	call := httpclient.Call{Method: http.MethodPost, Path: jobsPath, Effect: retry.EffectCreate, Kind: httpclient.Create}
	if body := c.creation(spec, file); file != "" {
		call.JSON = body
	} else {
		p, before, err := c.inline(body, rows)
		if err != nil {
			return "", fmt.Errorf("mistral: create batch: %w", err)
		}
		var closer io.Closer
		call, closer = p.Inline(call, before, "]}", rows)
		defer closer.Close()
	}
	var j job
	err := c.client.Once(ctx, call, &j)
	if err == nil && j.ID == "" {
		err = retry.Mark(errors.New("reply names no batch"), retry.Ambiguous)
	}
	if err != nil {
		return "", fmt.Errorf("mistral: create batch: %w", c.explain(ctx, err, file))
	}
	return j.ID, nil
}

func (c *Client) creation(spec sink.Spec, file string) *creation {
	body := &creation{
		Endpoint: spec.Endpoint, Model: spec.Model,
		Metadata: client.Metadata{Tag: spec.Tag}, Timeout: int(c.cfg.timeout() / time.Hour),
	}
	if c.cfg.Agent != "" {
		body.Model, body.Agent = "", c.cfg.Agent
	}
	if file != "" {
		body.InputFiles = []string{file}
	}
	return body
}

// inline measures the rows that are sent with a creation, so that an error in
// them comes before anything is sent, and returns what is sent before them.
func (c *Client) inline(body *creation, rows sink.Rows) (p payload.Payload, before string, err error) {
	if p, err = c.measure(inlineFormat, rows); err == nil {
		before, err = body.open()
	}
	return p, before, err
}

// explain says what it means that a creation failed.
func (c *Client) explain(ctx context.Context, err error, file string) error {
	said, ok := errors.AsType[*retry.Error](err)
	switch {
	case !ok || said.Class == retry.Blocked || said.Class == retry.Ambiguous:
		return err
	case tellsFull(said.Message):
		return client.Because(sink.ErrFull, err)
	case said.Status == http.StatusRequestEntityTooLarge || said.Code == "too_long" || tellsTooLarge(said.Message):
		return client.Because(sink.ErrTooLarge, err)
	case said.Class != retry.Permanent:
		return err
	}
	switch said.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity:
	default:
		return client.UnlessSaid(err)
	}
	switch {
	case c.gone(ctx, file):
		return client.Because(sink.ErrFileGone, err)
	case file != "" && tellsNoFile(said.Message):
		return client.Because(sink.ErrNotYet, err)
	}
	return client.UnlessSaid(err)
}

// gone reports whether a file is certainly not there.
func (c *Client) gone(ctx context.Context, file string) bool {
	return file != "" && unknown(c.client.Do(ctx, httpclient.Call{Method: http.MethodGet, Path: filePath(file)}, nil))
}

// unknown reports whether Mistral says that there is no such thing: an id that
// is none of its own it refuses as a bad request.
func unknown(err error) bool {
	said, ok := errors.AsType[*retry.Error](err)
	return ok && (said.Status == http.StatusNotFound || said.Status == http.StatusUnprocessableEntity && said.Code == "uuid_parsing")
}
