package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// Batch makes a call for the batch with this id, once, and decodes the reply
// into into, whose id got returns. What is said of another batch says nothing
// about this one. The reply is shown to an observer, see sink.ObserveRaw.
func (c *Client) Batch(ctx context.Context, call httpclient.Call, id string, into json.Unmarshaler, got func() string) error {
	observe := sink.RawObserver(ctx)
	reply := kept{into: into, wanted: observe != nil}
	if err := c.Once(ctx, call, &reply); err != nil {
		return err
	}
	if name := got(); name != "" && name != id {
		return retry.Mark(fmt.Errorf("%s: the reply is about another batch", call), retry.Retryable)
	}
	if observe != nil {
		observe(sink.RawBatch, reply.text)
	}
	return nil
}

// kept decodes a reply and keeps its text, if that is wanted.
type kept struct {
	into   json.Unmarshaler
	wanted bool
	text   []byte
}

// UnmarshalJSON implements json.Unmarshaler.
func (k *kept) UnmarshalJSON(text []byte) error {
	if k.wanted {
		k.text = bytes.Clone(text)
	}
	return k.into.UnmarshalJSON(text)
}
