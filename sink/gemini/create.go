package gemini

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
)

// creation is what creates a batch from a file.
type creation struct {
	Batch struct {
		DisplayName string `json:"displayName"`
		InputConfig struct {
			FileName string `json:"fileName"`
		} `json:"inputConfig"`
	} `json:"batch"`
}

// Create implements sink.Provider. Without a file, the rows are in the request.
func (c *Client) Create(ctx context.Context, spec sink.Spec, file string, rows sink.Rows) (string, error) {
	name, err := c.create(ctx, spec, file, rows)
	if err != nil {
		return "", fmt.Errorf("gemini: create batch: %w", c.explain(ctx, err, file))
	}
	return name, nil
}

func (c *Client) create(ctx context.Context, spec sink.Spec, file string, rows sink.Rows) (string, error) {
	path, err := creationPath(spec)
	if err != nil {
		return "", err
	}
	call := httpclient.Call{Method: http.MethodPost, Path: path, Effect: retry.EffectCreate, Kind: httpclient.Create}
	if file != "" {
		var body creation
		body.Batch.DisplayName, body.Batch.InputConfig.FileName = spec.Tag, file
		call.JSON = body
	} else {
		p, err := c.measure(spec, inlineFormat, rows)
		if err != nil {
			return "", err
		}
		inline, body := p.Inline(call, beforeInline(spec.Tag), inlineEnd, rows)
		defer body.Close()
		call = inline
	}
	var reply jsontext.Value
	if err := c.client.Once(ctx, call, &reply); err != nil {
		return "", err
	}
	if o := parseOperation(reply); o.name != "" {
		return o.name, nil
	}
	return "", retry.Mark(errors.New("reply names no batch"), retry.Ambiguous)
}

// explain says what it means that a creation failed.
func (c *Client) explain(ctx context.Context, err error, file string) error {
	said, ok := errors.AsType[*retry.Error](err)
	switch {
	case !ok || said.Class == retry.Ambiguous:
		return err
	case said.Status == http.StatusTooManyRequests && said.Class != retry.Blocked && aboutBatches(said.Message):
		return client.Because(full(said.Message), err)
	case said.Status == http.StatusRequestEntityTooLarge, said.Status == http.StatusBadRequest && isTooLarge(said.Message):
		return client.Because(sink.ErrTooLarge, err)
	case !strings.Contains(strings.ToLower(said.Message), "file"), file == "":
		return client.UnlessSaid(err)
	}
	return c.explainFile(ctx, err, said, file)
}

// explainFile says what it means that a creation failed because of its file.
func (c *Client) explainFile(ctx context.Context, err error, said *retry.Error, file string) error {
	switch said.Status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound:
		if c.isGone(ctx, file) {
			return client.Because(sink.ErrFileGone, err)
		}
	}
	switch {
	case said.Status == http.StatusNotFound, said.Code == rpcCodes[9].name:
		return client.Because(sink.ErrNotYet, err) // it is not seen yet, or being processed
	}
	return client.UnlessSaid(err)
}
