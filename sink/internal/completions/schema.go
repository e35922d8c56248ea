package completions

import (
	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
)

const jsonSchema = "json_schema"

// schemaName is sent for a schema without a name, as the endpoints ask for one.
const schemaName = "answer"

// WriteSchema writes a schema as a response_format, in the form that is sent.
func WriteSchema(s *llm.Schema, sent []byte) wire.Fields {
	return wire.Fields{"type": jsonSchema, jsonSchema: schemaFields(s, sent)}
}

// ReadSchema reads what WriteSchema writes, nil if there is no schema.
func ReadSchema(o wire.Object) *llm.Schema { return ReadFlatSchema(wire.Members(o[jsonSchema])) }

// WriteFlatSchema writes a schema and its type as one object.
func WriteFlatSchema(s *llm.Schema, sent []byte) wire.Fields {
	fields := schemaFields(s, sent)
	fields["type"] = jsonSchema
	return fields
}

func schemaFields(s *llm.Schema, sent []byte) wire.Fields {
	fields := wire.Fields{"name": schemaName, "schema": wire.InOrder(sent)}
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
