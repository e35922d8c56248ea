package sink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/llm"
)

// Request is what an item asks of a provider.
type Request struct {
	// Endpoint is the path it calls, such as "/v1/chat/completions".
	Endpoint string
	// Model is the model that the body names.
	Model string
	// Body is the JSON that the endpoint takes.
	Body json.RawMessage
}

// Encode returns the request for a chat, as Check leaves it.
func Encode(codec llm.Codec, model string, chat llm.Chat) (Request, error) {
	body, err := codec.Encode(model, chat)
	if err != nil {
		return Request{}, err
	}
	r := Request{Endpoint: codec.Endpoint(), Model: model, Body: body}
	if err := r.checkRoute(); err != nil {
		return r, err
	}
	err = r.putOnOneLine()
	return r, err
}

// Check refuses a request that no provider takes, and puts its body on one
// line.
func (r *Request) Check() error {
	if err := r.checkRoute(); err != nil {
		return err
	}
	return r.checkBody()
}

func (r *Request) checkBody() error {
	if !jsontext.Value(r.Body).IsValid() {
		if json.Valid(r.Body) {
			return errors.New("the request's body names a member twice in one object, or holds text that is not UTF-8")
		}
		return errors.New("the request's body is not valid JSON")
	}
	return r.putOnOneLine()
}

func (r *Request) checkRoute() error {
	switch {
	case r.Endpoint == "" || r.Endpoint[0] != '/':
		return fmt.Errorf("endpoint %q: must be a path such as /v1/chat/completions", r.Endpoint)
	case r.Model == "":
		return errors.New("the request names no model")
	}
	return nil
}

func (r *Request) putOnOneLine() error {
	if bytes.IndexByte(r.Body, '\n') < 0 && bytes.IndexByte(r.Body, '\r') < 0 {
		return nil
	}
	var line bytes.Buffer
	if err := json.Compact(&line, r.Body); err != nil {
		return fmt.Errorf("the request's body: %w", err)
	}
	r.Body = line.Bytes()
	return nil
}
