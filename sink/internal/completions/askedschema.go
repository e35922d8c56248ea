package completions

import (
	"bytes"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
)

// askedSchema is a schema and the member of a body that asks for it.
type askedSchema struct {
	schema llm.Schema
	member string // after a comma
}

// schemaMember returns the member of a body that asks for a schema, after a
// comma. It is empty if there is no schema.
func (f *Format) schemaMember(s *llm.Schema) (string, error) {
	if s == nil {
		return "", nil
	}
	if last := f.asked.Load(); last != nil && last.schema.Equal(s) {
		return last.member, nil
	}
	body := wire.Fields{}
	if err := f.setSchema(body, s); err != nil {
		return "", err
	}
	text, err := wire.Body(body)
	if err != nil {
		return "", err
	}
	asked := &askedSchema{schema: *s, member: "," + string(text[1:len(text)-1])}
	asked.schema.JSON = bytes.Clone(s.JSON)
	if s.Strict != nil {
		isStrict := *s.Strict
		asked.schema.Strict = &isStrict
	}
	f.asked.Store(asked)
	return asked.member, nil
}
