package parquet

import (
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/balerhq/baler/flow/source"
)

// A row comes as the values of its leaves, each a list with two levels per
// value. The definition level says how many of the optional and repeated nodes
// on the way to the leaf are there. The repetition level says which of the
// repeated ones has a further element.
type columns [][]parquet.Value

// appender appends the JSON of a node, whose leaves are these columns.
type appender func(dst []byte, values columns) ([]byte, error)

// object makes JSON objects of the rows of a schema.
type object struct {
	fields appender
	row    columns // reused
}

func objectOf(schema *parquet.Schema) (*object, error) {
	leaves := len(schema.Columns())
	if leaves == 0 {
		return nil, errors.New("the file has no columns")
	}
	return &object{groupOf(schema, level{}), make(columns, leaves)}, nil
}

func (o *object) appendRow(dst []byte, row parquet.Row) ([]byte, error) {
	for i := range o.row {
		o.row[i] = nil
	}
	for column, values := range row.Range {
		o.row[column] = values
	}
	for _, values := range o.row {
		if len(values) == 0 {
			return nil, errors.New("the file is damaged: a column has no value for the row")
		}
	}
	dst, err := o.fields(dst, o.row)
	if err == nil && len(dst) > source.MaxRow {
		err = fmt.Errorf("the row is longer than %d MiB", source.MaxRow>>20)
	}
	return dst, err
}

// level counts the nodes on the way to a node that can be absent, and those
// that can repeat.
type level struct{ definition, repetition int }

// appenderOf returns how a node is written, however often it is there.
func appenderOf(node parquet.Node, at level) appender {
	switch {
	case node.Optional():
		at.definition++
		present := valueOf(node, at)
		return func(dst []byte, values columns) ([]byte, error) {
			if values[0][0].DefinitionLevel() < at.definition {
				return append(dst, "null"...), nil
			}
			return present(dst, values)
		}
	case node.Repeated():
		at.definition++
		at.repetition++
		return elementsOf(valueOf(node, at), at)
	}
	return valueOf(node, at)
}

// elementsOf returns how a list is written.
func elementsOf(element appender, at level) appender {
	return func(dst []byte, values columns) ([]byte, error) {
		dst = append(dst, '[')
		for i, one := range elements(values, at) {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = element(dst, one); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	}
}

// elements yields the values of each element of a repeated node. They are valid
// until the next one.
func elements(values columns, at level) func(yield func(int, columns) bool) {
	return func(yield func(int, columns) bool) {
		if values[0][0].DefinitionLevel() < at.definition {
			return // the list is empty
		}
		one, rest := make(columns, len(values)), append(columns(nil), values...)
		for i := 0; len(rest[0]) > 0; i++ {
			for c := range rest {
				n := min(1, len(rest[c]))
				for n < len(rest[c]) && rest[c][n].RepetitionLevel() > at.repetition {
					n++
				}
				one[c], rest[c] = rest[c][:n], rest[c][n:]
			}
			if !yield(i, one) {
				return
			}
		}
	}
}

// valueOf returns how a node that is there is written, one of its elements if
// it can repeat.
func valueOf(node parquet.Node, at level) appender {
	if node.Leaf() {
		return leafOf(node)
	}
	if element, ok := listElement(node); ok {
		at.definition++
		at.repetition++
		return elementsOf(appenderOf(element, at), at)
	}
	if key, value, ok := mapOf(node); ok {
		at.definition++
		at.repetition++
		return entriesOf(leaf(key), appenderOf(value, at), at)
	}
	return groupOf(node, at)
}

func leafOf(node parquet.Node) appender {
	value := leaf(node)
	return func(dst []byte, values columns) ([]byte, error) { return value(dst, values[0][0]) }
}

// groupOf returns how the fields of a node are written.
func groupOf(node parquet.Node, at level) appender {
	type member struct {
		name  string
		head  []byte // what stands before the value
		value appender
		n     int // leaves
	}
	var members []member
	for _, field := range node.Fields() {
		head := append(appendText(nil, field.Name()), ':')
		if len(members) > 0 {
			head = append([]byte{','}, head...)
		}
		members = append(members, member{field.Name(), head, appenderOf(field, at), leaves(field)})
	}
	return func(dst []byte, values columns) ([]byte, error) {
		dst = append(dst, '{')
		for i := range members {
			m := &members[i]
			if m.n == 0 {
				continue // a group without fields
			}
			var err error
			if dst, err = m.value(append(dst, m.head...), values[:m.n]); err != nil {
				return dst, fmt.Errorf("column %.80q: %w", m.name, err)
			}
			values = values[m.n:]
		}
		return append(dst, '}'), nil
	}
}

// entriesOf returns how a map is written whose keys are text: as an object.
func entriesOf(key leafAppender, value appender, at level) appender {
	return func(dst []byte, values columns) ([]byte, error) {
		dst = append(dst, '{')
		for i, entry := range elements(values, at) {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = key(dst, entry[0][0]); err != nil {
				return dst, err
			}
			if dst, err = value(append(dst, ':'), entry[1:]); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	}
}

// listElement returns the element of a list that is written as a repeated group
// of one field, as the format asks.
func listElement(node parquet.Node) (parquet.Node, bool) {
	if _, ok := logical[*format.ListType](node.Type()); !ok || len(node.Fields()) != 1 {
		return nil, false
	}
	inner := node.Fields()[0]
	if inner.Leaf() || !inner.Repeated() || len(inner.Fields()) != 1 {
		return nil, false
	}
	return inner.Fields()[0], true
}

// mapOf returns the key and the value of a map whose keys are text.
func mapOf(node parquet.Node) (key, value parquet.Node, ok bool) {
	if _, ok := logical[*format.MapType](node.Type()); !ok || len(node.Fields()) != 1 {
		return nil, nil, false
	}
	inner := node.Fields()[0]
	if inner.Leaf() || !inner.Repeated() || len(inner.Fields()) != 2 {
		return nil, nil, false
	}
	key, value = inner.Fields()[0], inner.Fields()[1]
	return key, value, key.Leaf() && key.Required() && isText(key.Type())
}

// leaves counts the leaves of a node.
func leaves(node parquet.Node) (n int) {
	if node.Leaf() {
		return 1
	}
	for _, field := range node.Fields() {
		n += leaves(field)
	}
	return n
}
