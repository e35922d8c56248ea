package schemarules

import "bytes"

// Last judges schemas by the rules of a provider, and remembers the last: the
// rows of a batch mostly have the same. It is for one goroutine at a time.
type Last struct {
	refuses func(schema []byte) []string
	schema  []byte
	problem string
}

// By returns a Last that judges by the given rules, such as [OpenAI].
func By(refuses func(schema []byte) []string) *Last { return &Last{refuses: refuses} }

// Problem returns the first thing that is wrong with a schema, "" if nothing
// is. It does not keep the schema.
func (l *Last) Problem(schema []byte) string {
	if l.schema != nil && bytes.Equal(l.schema, schema) {
		return l.problem
	}
	l.schema, l.problem = append(l.schema[:0], schema...), ""
	if problems := l.refuses(schema); len(problems) > 0 {
		l.problem = problems[0]
	}
	return l.problem
}
