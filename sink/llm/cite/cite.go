// Package cite tells which citations of a reply belong to which fields of an
// answer in JSON.
//
// Some providers cite documents only if no schema is asked for. Then ask for
// JSON in the prompt, and let [Map] find out what each field rests on:
//
//	mapped, err := cite.Map(reply)
//	for _, f := range mapped.Fields {
//		for _, s := range f.Sources {
//			fmt.Println(f.Path, s.Quote, s.Confidence)
//		}
//	}
package cite

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/balerhq/baler/sink/llm"
)

// Mapping says what the fields of an answer rest on.
type Mapping struct {
	// Answer is the JSON that was found in the text.
	Answer json.RawMessage `json:"answer"`
	// Fields are those of the answer that have a value, in its order. Null and
	// the empty text are none.
	Fields []Field `json:"fields"`
	// Rest are the citations that belong to no field, by their index in the
	// reply.
	Rest []int `json:"rest,omitempty"`
}

// Field is a text, a number or a truth value of an answer.
type Field struct {
	Path    string          `json:"path"` // such as $.lines[0].price
	Value   json.RawMessage `json:"value"`
	Sources []Source        `json:"sources,omitempty"` // the best first
}

// Source is a citation that a field rests on.
type Source struct {
	llm.Citation
	Index int  `json:"index"` // of the citation in the reply
	Rule  Rule `json:"rule"`
	// Confidence is from 0 to 1. It depends on the rule, and on whether the
	// words around the value speak of the field or of what stands beside it.
	Confidence float64 `json:"confidence"`
}

// Rule says why a citation belongs to a field.
type Rule string

// The rules. A field has the citations of the first one that finds any, but
// that RulePlace also adds to the others.
const (
	RuleExact  Rule = "exact"  // the words of the value, whatever their case and white space
	RuleNumber Rule = "number" // the same number, however it is written
	RuleDate   Rule = "date"   // the same day, however it is written
	RuleWords  Rule = "words"  // most words of the value
	RulePlace  Rule = "place"  // the provider gave it for this field alone
)

// Level is a confidence in a word.
type Level string

// The levels.
const (
	High   Level = "high"   // from 0.8
	Medium Level = "medium" // from 0.3
	Low    Level = "low"
)

// Level returns the confidence in a word.
func (s Source) Level() Level {
	switch {
	case s.Confidence >= 0.8:
		return High
	case s.Confidence >= 0.3:
		return Medium
	}
	return Low
}

// Map finds the fields of the answer in the text of a reply, and the citations
// of each. The answer is the longest JSON object or array in the text.
func Map(reply llm.Reply) (Mapping, error) {
	answer, err := read(reply.Text)
	if err != nil {
		return Mapping{}, err
	}
	return answer.mapTo(reply), nil
}

// Field returns the field of a path, and false if the answer has none, or if it
// has no value.
func (m *Mapping) Field(path string) (Field, bool) {
	for _, f := range m.Fields {
		if f.Path == path {
			return f, true
		}
	}
	return Field{}, false
}

// Unmapped returns the paths of the fields without a source.
func (m *Mapping) Unmapped() (paths []string) {
	for _, f := range m.Fields {
		if len(f.Sources) == 0 {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// maxNamed bounds how many fields a warning names.
const maxNamed = 8

// Warning returns a sentence if most fields have no source, "" otherwise.
func (m *Mapping) Warning() string {
	unmapped := m.Unmapped()
	if 2*len(unmapped) <= len(m.Fields) {
		return ""
	}
	total := len(unmapped)
	more := ""
	if total > maxNamed {
		unmapped, more = unmapped[:maxNamed], ", ..."
	}
	return fmt.Sprintf("no citation was found for %d of %d fields: %s%s", total, len(m.Fields), strings.Join(unmapped, ", "), more)
}
