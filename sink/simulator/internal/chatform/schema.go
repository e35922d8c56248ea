package chatform

import (
	"encoding/json"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// Schema returns the schema that a format of answers asks for, nil if there is
// none. It is in response_format of a chat and in text.format of a response of
// OpenAI's.
func Schema(value []byte) *protocol.Schema {
	type format struct {
		Type   string
		Schema *protocol.Schema
	}
	var request struct {
		format
		JSONSchema format `json:"json_schema"` // of a chat
		Format     format // of a response
	}
	if value == nil || json.Unmarshal(value, &request) != nil {
		return nil
	}
	for _, f := range []format{request.format, request.JSONSchema, request.Format} {
		switch {
		case f.Schema != nil:
			return f.Schema
		case f.Type == "json_object":
			return &protocol.Schema{Type: "object", Properties: map[string]*protocol.Schema{"answer": {Type: "string"}}}
		}
	}
	return nil
}
