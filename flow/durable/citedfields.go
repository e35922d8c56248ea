package durable

import (
	"math"
	"slices"

	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/cite"
)

// CitedField is a field of an answer in JSON, and what it rests on.
type CitedField struct {
	Path    string        `json:"path"`              // such as $.lines[0].price
	Sources []FieldSource `json:"sources,omitempty"` // the best first; none if no citation is about the field
}

// FieldSource is a citation that a field rests on.
type FieldSource struct {
	Citation   int       `json:"citation"` // its index in Result.Citations
	Rule       cite.Rule `json:"rule"`
	Confidence float64   `json:"confidence"` // from 0 to 1
}

// citedFields returns what the fields of an answer rest on, nil if nothing is
// cited or the text has no JSON.
func citedFields(reply *llm.Reply) (fields []CitedField) {
	if !slices.ContainsFunc(reply.Citations, func(c llm.Citation) bool { return c.Quote != "" || c.At != (llm.Span{}) }) {
		return nil // those that only name a source tell nothing of fields
	}
	mapped, err := cite.Map(*reply)
	if err != nil {
		return nil
	}
	for _, f := range mapped.Fields {
		field := CitedField{Path: f.Path}
		for _, s := range f.Sources {
			field.Sources = append(field.Sources, FieldSource{s.Index, s.Rule, math.Round(100*s.Confidence) / 100})
		}
		fields = append(fields, field)
	}
	return fields
}

// isUnsourced reports whether most fields of an answer rest on no citation.
func (r *Result) isUnsourced() bool {
	without := 0
	for i := range r.Fields {
		if len(r.Fields[i].Sources) == 0 {
			without++
		}
	}
	return 2*without > len(r.Fields)
}
