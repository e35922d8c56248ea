package wire

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/llm"
)

// SchemaJSON returns the JSON Schema, and an error if there is none.
func SchemaJSON(s *llm.Schema) (jsontext.Value, error) {
	if len(s.JSON) == 0 {
		return nil, errors.New("the schema is empty; set Schema.JSON")
	}
	return jsontext.Value(s.JSON), nil
}

// ResponseFormat is the option that asks for an answer in JSON, or for text,
// without a schema.
const ResponseFormat = "response_format"

// CheckFormat returns an error if that option is anything but a Format.
func CheckFormat(options llm.Options) error {
	if format := options[ResponseFormat]; format != nil && Format(format) == "" {
		return &llm.RefusedOptionError{Option: ResponseFormat, Reason: "is neither text nor json_object; set Chat.Schema"}
	}
	return nil
}

// errDescribed is why a description has no place.
var errDescribed = errors.New("the schema has a description of its own; leave Schema.Description out")

// DescribedSchema returns the JSON of a schema, with its description in it, for
// providers that have no other place for that.
func DescribedSchema(s *llm.Schema) (any, error) {
	schema, err := SchemaJSON(s)
	if err != nil || s.Description == "" {
		return schema, err
	}
	members := Members(schema)
	if members == nil || members["description"] != nil {
		return nil, errDescribed
	}
	fields := Fields{"description": s.Description}
	for name, value := range members {
		fields[name] = value
	}
	return fields, nil
}
