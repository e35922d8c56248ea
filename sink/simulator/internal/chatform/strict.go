package chatform

import (
	"encoding/json"

	"github.com/balerhq/baler/sink/internal/schemarules"
)

// Refused returns what is wrong with the schema in a format of answers, "" if
// nothing is: as in [Schema], of a chat or of a response. Only strict schemas
// are held to rules.
func Refused(format []byte, rules *schemarules.Last) string {
	if format == nil {
		return ""
	}
	type named struct {
		Type, Name string
		Strict     bool
		Schema     json.RawMessage
	}
	var request struct {
		named
		JSONSchema *named `json:"json_schema"` // of a chat
		Format     *named // of a response
	}
	if json.Unmarshal(format, &request) != nil {
		return ""
	}
	asked := &request.named
	for _, f := range []*named{request.JSONSchema, request.Format} {
		if f != nil {
			asked = f
		}
	}
	if asked.Schema == nil || !asked.Strict {
		return ""
	}
	if problem := rules.Problem(asked.Schema); problem != "" {
		return "Invalid schema for response_format '" + asked.Name + "': " + problem
	}
	return ""
}
