package parquet

import (
	"errors"
	"fmt"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// mustFit refuses a node of a file that cannot be read as what is wanted
// without a change of its values. The library would leave zeros for a column
// that is not there, and cut numbers. The path is "" for all columns, and else
// ends in a dot.
func mustFit(path string, have, wanted parquet.Node) error {
	there := make(map[string]parquet.Node)
	names := make([]string, 0, len(have.Fields()))
	for _, field := range have.Fields() {
		there[field.Name()] = field
		names = append(names, field.Name())
	}
	for _, field := range wanted.Fields() {
		column := path + field.Name()
		node, ok := there[field.Name()]
		switch {
		case !ok && field.Optional():
			continue
		case !ok:
			return fmt.Errorf("there is no column %q, only %s: correct the tag, or mark the field as optional", column, strings.Join(names, ", "))
		case node.Leaf() != field.Leaf() || node.Repeated() != field.Repeated():
			return fmt.Errorf("column %q does not have the shape of the field: %w", column, errShape)
		case !node.Leaf():
			if err := mustFit(column+".", node, field); err != nil {
				return err
			}
		case !fits(node.Type(), field.Type()):
			return fmt.Errorf("column %q is %s, and the field takes %s: change the field's type or tag", column, node.Type(), field.Type())
		}
	}
	return nil
}

var errShape = errors.New("one of them is a list, a map or a group, and the other is not, or they are written in different ways")

// fits reports whether all values of a type have the same meaning as those of
// another.
func fits(have, wanted parquet.Type) bool {
	if decimals(have) != decimals(wanted) || unsigned(have) != unsigned(wanted) || width(have) > width(wanted) || clock(have) != clock(wanted) {
		return false
	}
	from, to := have.Kind(), wanted.Kind()
	wider := from == parquet.Int32 && to == parquet.Int64 && decimals(have) < 0 || from == parquet.Float && to == parquet.Double
	return wider || from == to && (from != parquet.FixedLenByteArray || have.Length() == wanted.Length())
}

// clock returns which kind of time a type is, and in which unit, "" if it is
// none.
func clock(t parquet.Type) string {
	if annotation := t.LogicalType(); annotation != nil {
		switch l := annotation.Value.(type) {
		case *format.DateType:
			return "day"
		case *format.TimeType:
			return "time in " + l.Unit.String()
		case *format.TimestampType:
			return "timestamp in " + l.Unit.String()
		}
	}
	return ""
}

// decimals returns the scale of a decimal, -1 if it is none.
func decimals(t parquet.Type) int {
	if d, ok := logical[*format.DecimalType](t); ok {
		return int(d.Scale)
	}
	return -1
}

func unsigned(t parquet.Type) bool {
	i, ok := logical[*format.IntType](t)
	return ok && !i.IsSigned
}

// width returns how many bits an integer has, 0 if it is none.
func width(t parquet.Type) int {
	if i, ok := logical[*format.IntType](t); ok {
		return int(i.BitWidth)
	}
	return map[parquet.Kind]int{parquet.Int32: 32, parquet.Int64: 64}[t.Kind()]
}

// logical returns the annotation of a type, if it is an L.
func logical[L format.LogicalTypeValue](t parquet.Type) (l L, ok bool) {
	if annotation := t.LogicalType(); annotation != nil {
		l, ok = annotation.Value.(L)
	}
	return l, ok
}
