package completions

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
)

const jsonSchema = "json_schema"

// schemaName is sent for a schema without a name, as the endpoints ask for one.
const schemaName = "answer"

// WriteSchema writes a schema as a response_format.
func WriteSchema(s *llm.Schema) any {
	return wire.Fields{"type": jsonSchema, jsonSchema: schemaFields(s)}
}

// ReadSchema reads what WriteSchema writes, nil if there is no schema.
func ReadSchema(o wire.Object) *llm.Schema { return ReadFlatSchema(wire.Members(o[jsonSchema])) }

// WriteFlatSchema writes a schema and its type as one object.
func WriteFlatSchema(s *llm.Schema) any {
	fields := schemaFields(s)
	fields["type"] = jsonSchema
	return fields
}

func schemaFields(s *llm.Schema) wire.Fields {
	fields := wire.Fields{"name": schemaName, "schema": jsontext.Value(s.JSON)}
	fields.SetText("name", s.Name)
	fields.SetText("description", s.Description)
	if s.Strict != nil {
		fields["strict"] = *s.Strict
	}
	return fields
}

// ReadFlatSchema reads what WriteFlatSchema writes, nil if there is no schema.
func ReadFlatSchema(o wire.Object) *llm.Schema {
	if o["schema"] == nil {
		return nil
	}
	schema := &llm.Schema{Name: o.Text("name"), Description: o.Text("description"), JSON: []byte(o["schema"])}
	if strict := o["strict"]; strict.Kind() == 't' || strict.Kind() == 'f' {
		isStrict := strict.Kind() == 't'
		schema.Strict = &isStrict
	}
	return schema
}
