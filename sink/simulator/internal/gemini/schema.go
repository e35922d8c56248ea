package gemini

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/balerhq/baler/sink/internal/schemarules"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// schemas judge the schemas of requests, for one goroutine.
type schemas struct {
	json *schemarules.Last
	own  *schemarules.Last // in the API's own format
}

func newSchemas() schemas {
	return schemas{schemarules.By(schemarules.Gemini), schemarules.By(schemarules.GeminiOwn)}
}

// check returns why the model does not take the schema of a request, nil if it
// does.
func (s schemas) check(p *params) error {
	if p.jsonSchema != nil {
		if problem := s.json.Problem(p.jsonSchema); problem != "" {
			return invalid("* GenerateContentRequest.generation_config.response_json_schema: %s", problem)
		}
	}
	if p.schema != nil {
		if problem := s.own.Problem(p.schema); problem != "" {
			return invalid("* GenerateContentRequest.generation_config.response_schema: %s", problem)
		}
	}
	return nil
}

// oneSchema finds out whether the requests of a batch ask for one schema.
type oneSchema struct{ first []byte }

// differs reports whether a request asks for another schema than an earlier
// one.
func (o *oneSchema) differs(request []byte) bool {
	schema := schemaOf(request)
	switch {
	case schema == nil:
		return false
	case o.first == nil:
		o.first = bytes.Clone(schema)
		return false
	}
	return !bytes.Equal(o.first, schema) && !sameJSON(o.first, schema)
}

// sameJSON reports whether two texts are the same value: the order of members
// and white space say nothing.
func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// schemaOf returns the schema that a request asks for, in either format, nil if
// it asks for none.
func schemaOf(request []byte) (schema []byte) {
	scan.Members(request, func(key, config []byte) {
		if camel(string(key)) != "generationConfig" {
			return
		}
		scan.Members(config, func(key, value []byte) {
			switch camel(string(key)) {
			case "responseJsonSchema", "responseSchema":
				schema = value
			}
		})
	})
	return schema
}
