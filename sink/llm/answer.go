package llm

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/balerhq/baler/sink/llm/schema"
)

// Answer says what structured answers have to look like. JSON and JSONSchema
// return one. It is safe for concurrent use.
type Answer interface {
	// Schema is sent with each chat. The error is why there is none.
	Schema() (*Schema, error)
	// Value returns the value of an answer, in JSON. The error lists what is
	// wrong with the answer, for the model to read. It quotes no values.
	Value(text string) (json.RawMessage, error)
}

// JSON returns the Answer that is a value of a Go type, which has to be a
// struct for most providers (see schema.Infer). An answer meets the schema of
// the type, and encoding/json can read it.
func JSON[T any]() Answer {
	t := reflect.TypeFor[T]()
	text, err := schema.Infer(t)
	if err != nil {
		return &jsonAnswer{err: err}
	}
	a := newJSONAnswer(Schema{Name: schema.NameOf(t), JSON: text})
	a.read = func(value []byte) error {
		var v T
		return misread(json.Unmarshal(value, &v))
	}
	return a
}

// JSONSchema returns the Answer that meets a schema. Unless it says otherwise,
// it is strict.
func JSONSchema(s Schema) Answer { return newJSONAnswer(s) }

type jsonAnswer struct {
	schema    *Schema
	validator *schema.Validator
	read      func(value []byte) error
	err       error
}

func newJSONAnswer(s Schema) *jsonAnswer {
	if s.Strict == nil {
		strict := true
		s.Strict = &strict
	}
	a := &jsonAnswer{schema: &s}
	a.validator, a.err = schema.NewValidator(s.JSON)
	return a
}

// Schema implements Answer.
func (a *jsonAnswer) Schema() (*Schema, error) { return a.schema, a.err }

// Value implements Answer.
func (a *jsonAnswer) Value(text string) (json.RawMessage, error) {
	if a.err != nil {
		return nil, a.err
	}
	value, err := a.validator.Value(text)
	if err == nil && a.read != nil {
		err = a.read(value)
	}
	if err != nil {
		return nil, err
	}
	return value, nil
}

// misread says why a value cannot be read into a type, without the value.
func misread(err error) error {
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return fmt.Errorf("at %s: cannot be read as %s", wrong.Field, wrong.Type)
	}
	return errors.New("a value cannot be read as what it stands for, such as a date or a number")
}
