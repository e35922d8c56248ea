package mistral

import (
	"bytes"
	"encoding/json"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/internal/wire"
)

// hints are in each body that shorten may change.
var hints = [][]byte{[]byte(`stream`), []byte(`prefix`), []byte(`image_url`), []byte(`\u`)}

// shorten leaves out what says nothing: a stream or prefix that is false, which
// the official clients always write, and the object around the URL of an image.
func shorten(body json.RawMessage) (json.RawMessage, error) {
	isHinted := false
	for _, hint := range hints {
		isHinted = isHinted || bytes.Contains(body, hint)
	}
	if !isHinted {
		return body, nil
	}
	request, err := wire.ReadBody(body)
	if err != nil {
		return nil, err
	}
	isShorter := dropFalse(request, "stream")
	messages := wire.List(request["messages"])
	for i, v := range messages {
		message := wire.Members(v)
		hadImage, hadPrefix := shortenContent(message), dropFalse(message, "prefix")
		if hadImage || hadPrefix {
			messages[i], isShorter = marshal(message), true
		}
	}
	if !isShorter {
		return body, nil
	}
	if messages != nil {
		request["messages"] = marshal(messages)
	}
	return json.RawMessage(marshal(request)), nil
}

func shortenContent(message wire.Object) (isShorter bool) {
	parts := wire.List(message["content"])
	for i, v := range parts {
		part := wire.Members(v)
		image := wire.Members(part["image_url"])
		if url := image["url"]; len(image) == 1 && url.Kind() == '"' {
			part["image_url"] = url
			parts[i], isShorter = marshal(part), true
		}
	}
	if isShorter {
		message["content"] = marshal(parts)
	}
	return isShorter
}

func dropFalse(o wire.Object, name string) bool {
	if o[name].Kind() != 'f' {
		return false
	}
	delete(o, name)
	return true
}

// marshal writes values that were read.
func marshal(v any) jsontext.Value {
	text, err := jsonv2.Marshal(v, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil // there is no such value
	}
	return text
}
