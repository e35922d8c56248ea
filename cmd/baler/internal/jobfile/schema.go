package jobfile

import "encoding/json"

// SchemaID is where editors find the schema of job files.
const SchemaID = "https://github.com/balerhq/baler/blob/main/docs/job.schema.json"

// Schema returns the JSON Schema of files with these options, for editors. It
// allows what Parse does, but for the values that only the command can judge.
func Schema(options []Option) ([]byte, error) {
	properties := map[string]any{inputKey: map[string]any{
		"description": "file, files or directory with the rows; without it a stage takes what the stage before it wrote",
		"anyOf":       []any{scalarSchema(Text), listSchema(Text)},
	}}
	for _, o := range options {
		properties[o.Name] = o.schema()
	}
	whole := refs(properties)
	whole[stagesKey] = map[string]any{
		"description": "several runs, one after the other; what stands beside them holds for all",
		"type":        "array", "minItems": 1,
		"items": map[string]any{"type": "object", "additionalProperties": false, "properties": refs(properties)},
	}
	return json.MarshalIndent(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SchemaID,
		"title": "A job file of baler run", "type": "object", "additionalProperties": false,
		"properties": whole, "$defs": properties,
	}, "", "  ")
}

func refs(properties map[string]any) map[string]any {
	all := make(map[string]any, len(properties))
	for name := range properties {
		all[name] = map[string]any{"$ref": "#/$defs/" + name}
	}
	return all
}

func (o *Option) schema() map[string]any {
	allowed := []any{scalarSchema(o.Kind), map[string]any{"type": "null"}}
	if o.Repeats {
		allowed = append(allowed, listSchema(o.Kind), map[string]any{"type": "object", "additionalProperties": scalarSchema(Text)})
	}
	s := map[string]any{"description": o.Usage, "anyOf": allowed}
	if o.Default != "" {
		s["description"] = o.Usage + " Default: " + o.Default
	}
	return s
}

func listSchema(k Kind) map[string]any {
	return map[string]any{"type": "array", "items": scalarSchema(k)}
}

func scalarSchema(k Kind) map[string]any {
	switch k {
	case Bool:
		return map[string]any{"type": "boolean"}
	case Int:
		return map[string]any{"type": "integer"}
	case Number:
		return map[string]any{"type": "number"}
	case Text:
	}
	return map[string]any{"type": []string{"string", "number", "boolean"}}
}
