package jobdir

import (
	"bytes"
	"fmt"
	"sync/atomic"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/balerhq/baler/sink/llm"
)

// schemas remembers the schema that was written or read last: the rows of a run
// ask for the same one. It is safe for concurrent use.
var schemas memory

type memory struct{ last atomic.Pointer[schemaText] }

// schemaText is a schema as records have it.
type schemaText struct {
	schema llm.Schema
	text   []byte
	form   []byte // canonical
}

// of returns a schema as it is written.
func (m *memory) of(s *llm.Schema) (*schemaText, error) {
	if last := m.last.Load(); last != nil && last.schema.Equal(s) {
		return last, nil
	}
	text, err := jsonv2.Marshal(s, lenient)
	if err != nil {
		return nil, fmt.Errorf("durable: encode chat: %w", err)
	}
	return m.keep(text)
}

// read returns the schema that a text is, nil if it is none. Nobody changes it.
func (m *memory) read(text []byte) *llm.Schema {
	last := m.last.Load()
	if last == nil || !bytes.Equal(last.text, text) {
		var err error
		if last, err = m.keep(bytes.Clone(text)); err != nil {
			return nil
		}
	}
	return &last.schema
}

// keep keeps a schema by its text, so that nobody who changes a schema that was
// given to of changes what read returns.
func (m *memory) keep(text []byte) (*schemaText, error) {
	s := &schemaText{text: text, form: canonical(text)}
	if err := jsonv2.Unmarshal(text, &s.schema, lenient); err != nil {
		return nil, fmt.Errorf("durable: decode chat: %w", err)
	}
	m.last.Store(s)
	return s, nil
}
